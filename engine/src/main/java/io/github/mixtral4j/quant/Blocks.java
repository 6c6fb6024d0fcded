package io.github.mixtral4j.quant;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/// Fields of a block and the roundings that all formats share.
final class Blocks {
    /// Blocks are packed: a field may start at any byte.
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private Blocks() {}

    /// The unsigned byte at `offset`.
    static int getByte(MemorySegment block, long offset) {
        return Byte.toUnsignedInt(block.get(ValueLayout.JAVA_BYTE, offset));
    }

    /// `count` bits of the byte at `offset`, from bit `shift` on.
    static int getBits(MemorySegment block, long offset, int shift, int count) {
        return (getByte(block, offset) >> shift) & ((1 << count) - 1);
    }

    static void putByte(MemorySegment block, long offset, int value) {
        block.set(ValueLayout.JAVA_BYTE, offset, (byte) value);
    }

    static short getShort(MemorySegment block, long offset) {
        return block.get(SHORT, offset);
    }

    static void putShort(MemorySegment block, long offset, short value) {
        block.set(SHORT, offset, value);
    }

    static int getInt(MemorySegment block, long offset) {
        return block.get(INT, offset);
    }

    static void putInt(MemorySegment block, long offset, int value) {
        block.set(INT, offset, value);
    }

    /// The float16 at `offset`.
    static float getHalf(MemorySegment block, long offset) {
        return Float.float16ToFloat(getShort(block, offset));
    }

    /// Writes a block's scale or minimum as float16, ties to even.
    ///
    /// @throws IllegalArgumentException if it exceeds float16: stored as infinity it would spoil the block
    static void putHalf(MemorySegment block, long offset, float value) {
        short half = Float.floatToFloat16(value);
        if (!Float.isFinite(Float.float16ToFloat(half))) {
            throw new IllegalArgumentException("weights are too large to quantize: a block needs the scale " + value
                    + ", and float16 ends at 65504");
        }
        putShort(block, offset, half);
    }

    /// The first element of the greatest magnitude, with its sign; 0 when all are 0.
    static float extreme(float[] x, int from, int count) {
        float extreme = 0;
        for (int i = from; i < from + count; i++) {
            if (Math.abs(x[i]) > Math.abs(extreme)) {
                extreme = x[i];
            }
        }
        return extreme;
    }

    /// The least element; of zeros that differ in sign the first, unlike `Math.min`, as it ends up in the block.
    static float minimum(float[] x, int from, int count) {
        float minimum = x[from];
        for (int i = from + 1; i < from + count; i++) {
            if (x[i] < minimum) {
                minimum = x[i];
            }
        }
        return minimum;
    }

    /// The greatest element.
    static float maximum(float[] x, int from, int count) {
        float maximum = x[from];
        for (int i = from + 1; i < from + count; i++) {
            if (x[i] > maximum) {
                maximum = x[i];
            }
        }
        return maximum;
    }

    /// The 32 quants of Q5_0 and Q5_1, whose fifth bits and lower four bits are stored apart.
    static int[] getFiveBits(MemorySegment block, long highOffset, long lowOffset) {
        int high = getInt(block, highOffset);
        int[] quants = new int[32];
        for (int j = 0; j < 16; j++) {
            quants[j] = getBits(block, lowOffset + j, 0, 4) + ((high >>> j) & 1) * 16;
            quants[j + 16] = getBits(block, lowOffset + j, 4, 4) + ((high >>> (j + 16)) & 1) * 16;
        }
        return quants;
    }

    /// Inverse of [#getFiveBits].
    static void putFiveBits(MemorySegment block, long highOffset, long lowOffset, int[] quants) {
        int high = 0;
        for (int j = 0; j < 32; j++) {
            high |= (quants[j] >> 4) << j;
        }
        putInt(block, highOffset, high);
        for (int j = 0; j < 16; j++) {
            putByte(block, lowOffset + j, nibbles(quants[j], quants[j + 16]));
        }
    }

    /// Two bits of element `i` of a 256-element block, as Q2_K, Q3_K and Q6_K keep them: each run of 128 elements
    /// takes 32 bytes, whose bits 0–1, 2–3, 4–5, 6–7 are the elements 0–31, 32–63, 64–95, 96–127 of the run.
    static int getTwoBits(MemorySegment block, long quantsOffset, int i) {
        return getBits(block, quantsOffset + 32L * (i / 128) + i % 32, i % 128 / 32 * 2, 2);
    }

    /// Writes the lower two bits of 256 quants in the order of [#getTwoBits].
    static void putTwoBits(MemorySegment block, long quantsOffset, byte[] quants) {
        for (int k = 0; k < 64; k++) {
            int first = k / 32 * 128 + k % 32;
            int four = 0;
            for (int part = 0; part < 4; part++) {
                four |= (quants[first + 32 * part] & 3) << (2 * part);
            }
            putByte(block, quantsOffset + k, four);
        }
    }

    /// The bit of element `i` in a plane of 256 bits that Q3_K and Q5_K keep apart from the rest of their quants:
    /// element `32 k + c` in bit `k` of byte `c`.
    static int getPlaneBit(MemorySegment block, long planeOffset, int i) {
        return getBits(block, planeOffset + i % 32, i / 32, 1);
    }

    /// Writes bit `shift`, the highest, of 256 quants in the order of [#getPlaneBit].
    static void putPlane(MemorySegment block, long planeOffset, byte[] quants, int shift) {
        for (int c = 0; c < 32; c++) {
            int eight = 0;
            for (int k = 0; k < 8; k++) {
                eight |= (quants[32 * k + c] >> shift) << k;
            }
            putByte(block, planeOffset + c, eight);
        }
    }

    /// The lower four bits of two quants in one byte.
    static int nibbles(int low, int high) {
        return (low & 15) | ((high & 15) << 4);
    }

    /// `1 / scale`, or 0 for a block whose elements are all alike.
    static float inverse(float scale) {
        return scale == 0 ? 0 : 1 / scale;
    }

    /// `value` truncated to an integer and held within `[0, top]`.
    static int truncate(float value, int top) {
        return Math.clamp((long) value, 0, top);
    }

    /// `value` rounded to the nearest integer, ties to even, and held within `[low, high]`.
    static int round(float value, int low, int high) {
        return Math.clamp((long) Math.rint(value), low, high);
    }
}
