package io.github.mixtral4j.model;

import static io.github.mixtral4j.kernel.PagedKv.PAGE_TOKENS;

import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Writes the keys or values of one head, for consecutive tokens of a page, in the layout of [PagedKv]. They
/// are encoded in arrays first, where the compiler vectorizes, and then copied or transposed.
final class KvWriter {
    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT;
    private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;

    /// Elements of a key, or of a value, that share a scale in Q8_0.
    private static final int BLOCK = DType.Q8_0.blockElements();

    private final DType type;
    private final int dim;
    /// Keys or values as they come, `[token][dim]`.
    private final float[] floats;
    /// The same in F16; in Q8_0 the scales, `[token][dim / BLOCK]`.
    private final short[] halves;
    /// The same in Q8_0, `[token][dim]`.
    private final byte[] quants;

    KvWriter(DType type, int headDim) {
        this.type = type;
        dim = headDim;
        int elements = Math.multiplyExact(headDim, PAGE_TOKENS);
        floats = new float[elements];
        halves = new short[type == DType.F16 ? elements : elements / BLOCK];
        quants = new byte[type == DType.Q8_0 ? elements : 0];
    }

    /// Writes the keys of `count` tokens to the slots from `slot` on.
    ///
    /// @param from rows of activations, of which the head begins at column `col`
    /// @param offset of the head's keys in the page
    void keys(Rows from, int row, int count, int col, MemorySegment page, long offset, int slot) {
        read(from, row, count, col);
        switch (type) {
            case F32 -> {
                for (int i = 0; i < dim; i++) {
                    long to = offset + ((long) i * PAGE_TOKENS + slot) * Float.BYTES;
                    for (int t = 0; t < count; t++) {
                        page.set(Rows.FLOAT, to + (long) t * Float.BYTES, floats[t * dim + i]);
                    }
                }
            }
            case F16 -> {
                toHalves(count * dim);
                transpose(count, dim, page, offset, slot);
            }
            default -> {
                quantize(count * dim);
                for (int i = 0; i < dim; i++) {
                    long to = offset + (long) i * PAGE_TOKENS + slot;
                    for (int t = 0; t < count; t++) {
                        page.set(BYTE, to + t, quants[t * dim + i]);
                    }
                }
                transpose(count, dim / BLOCK, page, offset + (long) dim * PAGE_TOKENS, slot);
            }
        }
    }

    /// Writes the values of `count` tokens to the slots from `slot` on.
    ///
    /// @param from rows of activations, of which the head begins at column `col`
    /// @param offset of the head's values in the page
    void values(Rows from, int row, int count, int col, MemorySegment page, long offset, int slot) {
        read(from, row, count, col);
        long first = (long) slot * dim;
        switch (type) {
            case F32 -> MemorySegment.copy(floats, 0, page, Rows.FLOAT, offset + first * Float.BYTES, count * dim);
            case F16 -> {
                toHalves(count * dim);
                MemorySegment.copy(halves, 0, page, HALF, offset + first * Short.BYTES, count * dim);
            }
            default -> {
                quantize(count * dim);
                MemorySegment.copy(quants, 0, page, BYTE, offset + first, count * dim);
                long scales = offset + (long) dim * PAGE_TOKENS + first / BLOCK * Short.BYTES;
                MemorySegment.copy(halves, 0, page, HALF, scales, count * dim / BLOCK);
            }
        }
    }

    private void read(Rows from, int row, int count, int col) {
        for (int t = 0; t < count; t++) {
            long at = from.offset(row + t) + (long) col * Float.BYTES;
            MemorySegment.copy(from.data(), Rows.FLOAT, at, floats, t * dim, dim);
        }
    }

    private void toHalves(int count) {
        for (int i = 0; i < count; i++) {
            halves[i] = Float.floatToFloat16(floats[i]);
        }
    }

    /// Blocks as in the weight format of this name, but with the scale rounded first. A NaN, or a number that float16
    /// cannot hold 127 times, makes its whole block NaN.
    private void quantize(int count) {
        for (int from = 0; from < count; from += BLOCK) {
            float max = 0;
            for (int i = from; i < from + BLOCK; i++) {
                max = Math.max(max, Math.abs(floats[i]));
            }
            short half = Float.floatToFloat16(max / 127);
            float scale = Float.float16ToFloat(half);
            halves[from / BLOCK] = Float.isInfinite(scale) ? Float.floatToFloat16(Float.NaN) : half;
            float inverse = scale == 0 ? 0 : 1 / scale;
            for (int i = from; i < from + BLOCK; i++) {
                quants[i] = (byte) Math.clamp(Math.round(floats[i] * inverse), -127, 127);
            }
        }
    }

    /// Writes halves `[token][cols]` as `[cols][PAGE_TOKENS]`.
    private void transpose(int count, int cols, MemorySegment page, long offset, int slot) {
        for (int i = 0; i < cols; i++) {
            long to = offset + ((long) i * PAGE_TOKENS + slot) * Short.BYTES;
            for (int t = 0; t < count; t++) {
                page.set(HALF, to + (long) t * Short.BYTES, halves[t * cols + i]);
            }
        }
    }
}
