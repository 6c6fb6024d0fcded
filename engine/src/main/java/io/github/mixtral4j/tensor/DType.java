package io.github.mixtral4j.tensor;

import java.util.Arrays;
import java.util.Optional;

/// Element encoding of a tensor: the one table of formats.
///
/// Quantized formats store `blockElements` consecutive elements of a row in `blockBytes` bytes; their meaning is
/// defined by the codecs of `io.github.mixtral4j.quant`. The float formats are blocks of one element.
///
/// Source: `enum ggml_type` and the block structs of ggml-common.h.
public enum DType {
    F32(0, 1, 4),
    F16(1, 1, 2),
    BF16(30, 1, 2),
    Q4_0(2, 32, 18),
    Q4_1(3, 32, 20),
    Q5_0(6, 32, 22),
    Q5_1(7, 32, 24),
    Q8_0(8, 32, 34),
    Q2_K(10, 256, 84),
    Q3_K(11, 256, 110),
    Q4_K(12, 256, 144),
    Q5_K(13, 256, 176),
    Q6_K(14, 256, 210);

    private final int ggmlId;
    private final int blockElements;
    private final int blockBytes;

    DType(int ggmlId, int blockElements, int blockBytes) {
        this.ggmlId = ggmlId;
        this.blockElements = blockElements;
        this.blockBytes = blockBytes;
    }

    /// The number that stands for this format in a GGUF tensor record.
    public int ggmlId() {
        return ggmlId;
    }

    /// Elements per block; a row's length is a multiple of it.
    public int blockElements() {
        return blockElements;
    }

    /// Bytes per block.
    public int blockBytes() {
        return blockBytes;
    }

    /// Whether elements share a block, so that a single one cannot be addressed.
    public boolean isQuantized() {
        return blockElements > 1;
    }

    /// Bytes of `elements` consecutive elements of a row.
    ///
    /// @throws IllegalArgumentException if `elements` is negative or not a whole number of blocks
    /// @throws ArithmeticException if the size does not fit a `long`
    public long bytes(long elements) {
        if (elements < 0 || elements % blockElements != 0) {
            throw new IllegalArgumentException(
                    this + " stores blocks of " + blockElements + " elements, got a row of " + elements);
        }
        return Math.multiplyExact(elements / blockElements, (long) blockBytes);
    }

    /// The format with this GGUF number, or empty when this engine does not know it.
    public static Optional<DType> ofGgmlId(int id) {
        return Arrays.stream(values()).filter(t -> t.ggmlId == id).findFirst();
    }
}
