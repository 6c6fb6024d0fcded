package io.github.mixtral4j.quant;

import java.lang.foreign.MemorySegment;

/// The eight 6-bit scales and eight 6-bit minimums that Q4_K and Q5_K pack into 12 bytes.
///
/// | byte | bits 0–3 | bits 4–5 | bits 6–7 |
/// |---|---|---|---|
/// | 0–3 | scale `j`, bits 0–3 | scale `j`, bits 4–5 | scale `j + 4`, bits 4–5 |
/// | 4–7 | minimum `j`, bits 0–3 | minimum `j`, bits 4–5 | minimum `j + 4`, bits 4–5 |
/// | 8–11 | scale `j + 4`, bits 0–3 | minimum `j + 4`, bits 0–1 | minimum `j + 4`, bits 2–3 |
///
/// with `j` the byte's position in its row of four. Source: `get_scale_min_k4` of ggml-quants.c.
public final class KScales {
    /// Groups of a block, and so scales and minimums each.
    public static final int COUNT = 8;
    /// Bytes they take together.
    public static final int BYTES = 12;

    private KScales() {}

    /// Scale of group `j` (0–7), 0–63.
    ///
    /// @param offset where the 12 bytes start
    public static int scale(MemorySegment block, long offset, int j) {
        return j < 4
                ? Blocks.getBits(block, offset + j, 0, 6)
                : Blocks.getBits(block, offset + j + 4, 0, 4) + 16 * Blocks.getBits(block, offset + j - 4, 6, 2);
    }

    /// Minimum of group `j` (0–7), 0–63.
    ///
    /// @param offset where the 12 bytes start
    public static int minimum(MemorySegment block, long offset, int j) {
        return j < 4
                ? Blocks.getBits(block, offset + j + 4, 0, 6)
                : Blocks.getBits(block, offset + j + 4, 4, 4) + 16 * Blocks.getBits(block, offset + j, 6, 2);
    }

    /// Writes all 12 bytes.
    ///
    /// @param scales eight numbers in 0–63
    /// @param minimums eight numbers in 0–63
    static void put(MemorySegment block, long offset, int[] scales, int[] minimums) {
        for (int j = 0; j < 4; j++) {
            Blocks.putByte(block, offset + j, scales[j] | (scales[j + 4] >> 4 << 6));
            Blocks.putByte(block, offset + 4 + j, minimums[j] | (minimums[j + 4] >> 4 << 6));
            Blocks.putByte(block, offset + 8 + j, Blocks.nibbles(scales[j + 4], minimums[j + 4]));
        }
    }
}
