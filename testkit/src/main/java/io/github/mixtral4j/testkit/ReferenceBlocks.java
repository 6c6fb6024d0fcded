package io.github.mixtral4j.testkit;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/// What the bytes of each weight format mean, in double precision: written from the layouts, one field at a time,
/// and independent of the engine's codecs. Values that float32 arithmetic rounds are exact here.
///
/// Source: the block structs of ggml-common.h and the GGUF specification.
public final class ReferenceBlocks {
    private ReferenceBlocks() {}

    /// All elements of consecutive blocks.
    public static double[] decode(BlockFormat format, byte[] bytes) {
        int blocks = bytes.length / format.bytes;
        double[] values = new double[blocks * format.elements];
        for (int b = 0; b < blocks; b++) {
            ByteBuffer block = ByteBuffer.wrap(bytes, b * format.bytes, format.bytes)
                    .slice()
                    .order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < format.elements; i++) {
                values[b * format.elements + i] = element(format, block, i);
            }
        }
        return values;
    }

    private static double element(BlockFormat format, ByteBuffer b, int i) {
        return switch (format) {
            case F32 -> b.getFloat(0);
            case F16 -> half(b, 0);
            case BF16 -> Float.intBitsToFloat(Short.toUnsignedInt(b.getShort(0)) << 16);
            case Q4_0 -> half(b, 0) * (nibble32(b, 2, i) - 8);
            case Q4_1 -> half(b, 0) * nibble32(b, 2 + 2, i) + half(b, 2);
            case Q5_0 -> half(b, 0) * (nibble32(b, 2 + 4, i) + 16 * bit(b, 2, i) - 16);
            case Q5_1 -> half(b, 0) * (nibble32(b, 2 + 2 + 4, i) + 16 * bit(b, 2 + 2, i)) + half(b, 2);
            case Q8_0 -> half(b, 0) * b.get(2 + i);
            case Q2_K -> q2k(b, i);
            case Q3_K -> q3k(b, i);
            case Q4_K -> q4k(b, i);
            case Q5_K -> q5k(b, i);
            case Q6_K -> q6k(b, i);
        };
    }

    private static double q2k(ByteBuffer b, int i) {
        int packed = u8(b, i / 16);
        return half(b, 80) * (packed % 16) * pairOfBits(b, 16, i) - half(b, 82) * (packed >> 4);
    }

    private static double q3k(ByteBuffer b, int i) {
        int g = i / 16;
        int low = u8(b, 96 + (g & 7));
        low = g < 8 ? low % 16 : low / 16;
        int high = bits(b, 96 + 8 + (g & 3), 2 * (g >> 2), 2);
        int third = bits(b, i & 31, i >> 5, 1);
        return half(b, 108) * (16 * high + low - 32) * (4 * third + pairOfBits(b, 32, i) - 4);
    }

    private static double q4k(ByteBuffer b, int i) {
        int g = i / 32;
        int nibble = bits(b, 16 + 32 * (g / 2) + i % 32, 4 * (g % 2), 4);
        return half(b, 0) * sixBitScale(b, g) * nibble - half(b, 2) * sixBitMinimum(b, g);
    }

    private static double q5k(ByteBuffer b, int i) {
        int g = i / 32;
        int nibble = bits(b, 48 + 32 * (g / 2) + i % 32, 4 * (g % 2), 4);
        int fifth = bits(b, 16 + i % 32, g, 1);
        return half(b, 0) * sixBitScale(b, g) * (16 * fifth + nibble) - half(b, 2) * sixBitMinimum(b, g);
    }

    private static double q6k(ByteBuffer b, int i) {
        int run = i / 128;
        int within = i % 128;
        int low = bits(b, 64 * run + within % 64, 4 * (within / 64), 4);
        return half(b, 208) * b.get(192 + i / 16) * (16 * pairOfBits(b, 128, i) + low - 32);
    }

    private static int sixBitScale(ByteBuffer b, int g) {
        return g < 4 ? bits(b, 4 + g, 0, 6) : bits(b, 8 + g, 0, 4) + 16 * bits(b, g, 6, 2);
    }

    private static int sixBitMinimum(ByteBuffer b, int g) {
        return g < 4 ? bits(b, 8 + g, 0, 6) : bits(b, 8 + g, 4, 4) + 16 * bits(b, 4 + g, 6, 2);
    }

    /// The two bits of element `i` in the order that the K formats use for them.
    private static int pairOfBits(ByteBuffer b, int start, int i) {
        int run = i / 128;
        int quarter = (i - 128 * run) / 32;
        return bits(b, start + 32 * run + i % 32, 2 * quarter, 2);
    }

    /// The four bits of element `i` in a block of 32: low halves of the bytes first, then the high halves.
    private static int nibble32(ByteBuffer b, int start, int i) {
        return i < 16 ? u8(b, start + i) % 16 : u8(b, start + i - 16) / 16;
    }

    private static int bit(ByteBuffer b, int start, int i) {
        return bits(b, start + i / 8, i % 8, 1);
    }

    private static int bits(ByteBuffer b, int at, int shift, int count) {
        return (u8(b, at) >> shift) % (1 << count);
    }

    private static int u8(ByteBuffer b, int at) {
        return b.get(at) & 255;
    }

    /// A binary16 taken apart: sign, five exponent bits, ten bits of mantissa.
    private static double half(ByteBuffer b, int at) {
        int bits = b.getShort(at) & 0xFFFF;
        int exponent = (bits >> 10) & 31;
        int mantissa = bits & 1023;
        double magnitude = switch (exponent) {
            case 0 -> Math.scalb((double) mantissa, -24);
            case 31 -> mantissa == 0 ? Double.POSITIVE_INFINITY : Double.NaN;
            default -> Math.scalb(1024.0 + mantissa, exponent - 25);
        };
        return (bits & 0x8000) == 0 ? magnitude : -magnitude;
    }
}
