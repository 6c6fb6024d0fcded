package io.github.mixtral4j.quant;

import io.github.mixtral4j.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/// One block format: its byte layout and its scalar meaning, against which every faster kernel is tested.
///
/// Decoding is exact: the float32 operations and their order are ggml's `dequantize_row_*`. Encoding reproduces ggml's
/// `quantize_row_*_ref` (no importance matrix) bit for bit, as compiled without fused multiply-add. Codecs have no
/// state and may be shared by all threads.
///
/// Source: ggml-quants.c and ggml-common.h of ggml.
public sealed interface BlockCodec permits F32, F16, BF16, Q40, Q41, Q50, Q51, Q80, Q2K, Q3K, Q4K, Q5K, Q6K {
    /// The codec of a format.
    static BlockCodec of(DType type) {
        return switch (type) {
            case F32 -> F32.CODEC;
            case F16 -> F16.CODEC;
            case BF16 -> BF16.CODEC;
            case Q4_0 -> Q40.CODEC;
            case Q4_1 -> Q41.CODEC;
            case Q5_0 -> Q50.CODEC;
            case Q5_1 -> Q51.CODEC;
            case Q8_0 -> Q80.CODEC;
            case Q2_K -> Q2K.CODEC;
            case Q3_K -> Q3K.CODEC;
            case Q4_K -> Q4K.CODEC;
            case Q5_K -> Q5K.CODEC;
            case Q6_K -> Q6K.CODEC;
        };
    }

    /// The format this codec reads and writes.
    DType dtype();

    /// Decodes the one block at `srcOffset` to `blockElements` floats at `dstOffset`.
    void decodeBlock(MemorySegment src, long srcOffset, float[] dst, int dstOffset);

    /// Encodes `blockElements` finite floats at `srcOffset` to the one block at `dstOffset`; writes all of its bytes.
    void encodeBlock(float[] src, int srcOffset, MemorySegment dst, long dstOffset);

    /// Decodes consecutive blocks.
    ///
    /// @param src borrowed bytes, little-endian, of any alignment
    /// @param srcOffset byte at which the first block starts
    /// @param dst receives `elements` floats from `dstOffset` on
    /// @param elements a multiple of the format's `blockElements`
    /// @throws IllegalArgumentException if `elements` is negative or no whole number of blocks
    /// @throws IndexOutOfBoundsException if the blocks or the floats do not lie within `src` and `dst`
    default void decode(MemorySegment src, long srcOffset, float[] dst, int dstOffset, int elements) {
        DType type = dtype();
        Objects.checkFromIndexSize(srcOffset, type.bytes(elements), src.byteSize());
        Objects.checkFromIndexSize(dstOffset, elements, dst.length);
        for (int done = 0; done < elements; done += type.blockElements()) {
            decodeBlock(src, srcOffset + type.bytes(done), dst, dstOffset + done);
        }
    }

    /// Encodes consecutive blocks. The float formats take any value. The quantized ones refuse NaN, infinity and what
    /// no float16 scale can reach, because one such element would take its whole block with it.
    ///
    /// @param src `elements` floats from `srcOffset` on
    /// @param dst receives the blocks from byte `dstOffset` on
    /// @param elements a multiple of the format's `blockElements`
    /// @throws IllegalArgumentException if `elements` is negative or no whole number of blocks, or, in a quantized
    ///     format, an element is NaN or too large for the float16 scale of a block
    /// @throws IndexOutOfBoundsException if the floats or the blocks do not lie within `src` and `dst`
    default void encode(float[] src, int srcOffset, MemorySegment dst, long dstOffset, int elements) {
        DType type = dtype();
        Objects.checkFromIndexSize(dstOffset, type.bytes(elements), dst.byteSize());
        Objects.checkFromIndexSize(srcOffset, elements, src.length);
        for (int i = 0; type.isQuantized() && i < elements; i++) {
            if (!(Math.abs(src[srcOffset + i]) < 1e9f)) {
                throw new IllegalArgumentException(
                        type + " stores numbers below 1e9, got " + src[srcOffset + i] + " at element " + i);
            }
        }
        for (int done = 0; done < elements; done += type.blockElements()) {
            encodeBlock(src, srcOffset + done, dst, dstOffset + type.bytes(done));
        }
    }
}
