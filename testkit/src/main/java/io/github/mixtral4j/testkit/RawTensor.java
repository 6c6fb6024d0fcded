package io.github.mixtral4j.testkit;

/// A tensor as it stands in a file.
///
/// @param name its name there
/// @param format element encoding
/// @param dims extents, outermost first
/// @param bytes row-major, little-endian; owned by this record
public record RawTensor(String name, BlockFormat format, int[] dims, byte[] bytes) {
    /// Its elements, decoded by [ReferenceBlocks].
    public double[] values() {
        return ReferenceBlocks.decode(format, bytes);
    }

    /// Length of a row.
    public int cols() {
        return dims[dims.length - 1];
    }
}
