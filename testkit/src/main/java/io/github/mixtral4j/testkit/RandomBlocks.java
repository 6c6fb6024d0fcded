package io.github.mixtral4j.testkit;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;

/// Random weights of a given spread, drawn directly in their format, so that no encoder is needed.
///
/// The float formats hold the same numbers, whole multiples of a power of two up to 127, which are exact in all three.
/// The quantized formats hold random quants and group scales under block scales that give the wanted spread; formats
/// with a minimum get one that centres their values.
final class RandomBlocks {
    private final Random random;
    private final double deviation;

    /// @param deviation standard deviation of the weights
    RandomBlocks(Random random, double deviation) {
        this.random = random;
        this.deviation = deviation;
    }

    /// `count` elements of the format, a whole number of blocks.
    byte[] draw(BlockFormat format, int count) {
        return switch (format) {
            case F32, F16, BF16 -> RawTensor.floats(format, multiples(count));
            default -> {
                byte[] bytes = new byte[format.rowBytes(count)];
                random.nextBytes(bytes);
                for (int at = 0; at < bytes.length; at += format.bytes) {
                    ByteBuffer block =
                            ByteBuffer.wrap(bytes, at, format.bytes).slice().order(ByteOrder.LITTLE_ENDIAN);
                    setScales(format, block);
                }
                yield bytes;
            }
        };
    }

    private double[] multiples(int count) {
        // Uniform in -127..127 has the deviation 73.3.
        double unit = Math.scalb(1.0, Math.getExponent(deviation / 73.3) + 1);
        double[] values = new double[count];
        for (int i = 0; i < count; i++) {
            values[i] = unit * (random.nextInt(255) - 127);
        }
        return values;
    }

    /// Deviations of uniform quants: 16 values 4.6, 32 values 9.2, 256 values 74; with group scales the mean square of
    /// their product counts.
    private void setScales(BlockFormat format, ByteBuffer b) {
        switch (format) {
            case Q4_0 -> half(b, 0, deviation / 4.6 * sign());
            case Q4_1 -> centred(b, 0, 2, deviation / 4.6, -7.5);
            case Q5_0 -> half(b, 0, deviation / 9.2 * sign());
            case Q5_1 -> centred(b, 0, 2, deviation / 9.2, -15.5);
            case Q8_0 -> half(b, 0, deviation / 74);
            case Q2_K -> centred(b, 80, 82, deviation / 13, 1.5);
            case Q3_K -> half(b, 108, deviation / 42 * sign());
            case Q4_K -> centred(b, 0, 2, deviation / 250, 7.5);
            case Q5_K -> centred(b, 0, 2, deviation / 500, 15.5);
            case Q6_K -> half(b, 208, deviation / 1370 * sign());
            case F32, F16, BF16 -> throw new IllegalArgumentException(format + " has no scale");
        }
    }

    private void centred(ByteBuffer b, int scaleAt, int minimumAt, double scale, double minimumPerScale) {
        double jittered = scale * (0.75 + random.nextDouble() / 2);
        half(b, scaleAt, jittered);
        half(b, minimumAt, jittered * minimumPerScale);
    }

    private static void half(ByteBuffer b, int at, double value) {
        b.putShort(at, Float.floatToFloat16((float) value));
    }

    private int sign() {
        return random.nextBoolean() ? 1 : -1;
    }
}
