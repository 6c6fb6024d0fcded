package io.github.mixtral4j.testkit;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

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

    /// Bytes of a row.
    public int rowBytes() {
        return format.rowBytes(cols());
    }

    /// The same tensor under another name.
    public RawTensor named(String other) {
        return new RawTensor(other, format, dims, bytes);
    }

    /// The same numbers in another float format, which must hold them exactly.
    ///
    /// @throws IllegalArgumentException if a number would change
    public RawTensor as(BlockFormat other) {
        if (other == format) {
            return this;
        }
        double[] values = values();
        byte[] converted = floats(other, values);
        if (!Arrays.equals(values, ReferenceBlocks.decode(other, converted))) {
            throw new IllegalArgumentException(name + ": " + format + " does not fit " + other);
        }
        return new RawTensor(name, other, dims, converted);
    }

    /// Numbers in a float format, those that do not fit cut or rounded.
    static byte[] floats(BlockFormat format, double[] values) {
        ByteBuffer out = ByteBuffer.allocate(format.rowBytes(values.length)).order(ByteOrder.LITTLE_ENDIAN);
        for (double value : values) {
            switch (format) {
                case F32 -> out.putFloat((float) value);
                case F16 -> out.putShort(Float.floatToFloat16((float) value));
                case BF16 -> out.putShort((short) (Float.floatToRawIntBits((float) value) >> 16));
                default -> throw new IllegalArgumentException(format + " is no float format");
            }
        }
        return out.array();
    }

    /// Rows `[from, to)` as a matrix; outer dimensions count as rows.
    RawTensor rows(String sliceName, int from, int to) {
        return new RawTensor(
                sliceName,
                format,
                new int[] {to - from, cols()},
                Arrays.copyOfRange(bytes, from * rowBytes(), to * rowBytes()));
    }
}
