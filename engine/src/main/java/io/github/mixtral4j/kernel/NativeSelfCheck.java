package io.github.mixtral4j.kernel;

import io.github.mixtral4j.quant.Q2K;
import io.github.mixtral4j.quant.Q3K;
import io.github.mixtral4j.quant.Q41;
import io.github.mixtral4j.quant.Q4K;
import io.github.mixtral4j.quant.Q51;
import io.github.mixtral4j.quant.Q5K;
import io.github.mixtral4j.quant.Q6K;
import io.github.mixtral4j.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.SplittableRandom;

/// Compares a level of the C kernels with the level `scalar` on a few random blocks of every format, in a few
/// milliseconds: a compiler, an emulator or a hypervisor that gets an instruction wrong is found before it answers.
///
/// It finds what is grossly wrong. Whether the kernels are right is the business of the tests.
final class NativeSelfCheck {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /// Two blocks of the largest formats.
    private static final int COLS = 512;
    /// More than one group of rows, and a rest, for any kernel.
    private static final int WEIGHT_ROWS = 19;

    private static final int ROWS = 17;

    /// Greatest error as a part of the root mean square. Activations of 8 bits come to 0.6 % on average.
    private static final double TOLERANCE = 0.05;
    /// The same for F32, which nothing may round: routers are F32.
    private static final double EXACT_TOLERANCE = 1e-5;

    private final Arena arena;
    private final NativeLevel level;
    private final NativeLevel oracle;
    private final SplittableRandom random = new SplittableRandom(20231208);
    private final MemorySegment activations;

    private NativeSelfCheck(Arena arena, NativeLevel level, NativeLevel oracle) {
        this.arena = arena;
        this.level = level;
        this.oracle = oracle;
        activations = floats(ROWS * COLS);
        for (int i = 0; i < ROWS * COLS; i++) {
            activations.setAtIndex(ValueLayout.JAVA_FLOAT, i, uniform());
        }
    }

    /// What is wrong with `level`, if anything is.
    static Optional<String> run(NativeLevel level, NativeLevel oracle) {
        try (Arena arena = Arena.ofConfined()) {
            NativeSelfCheck check = new NativeSelfCheck(arena, level, oracle);
            for (DType type : DType.values()) {
                MemorySegment weights = check.weights(type);
                double tolerance = type == DType.F32 ? EXACT_TOLERANCE : TOLERANCE;
                if (!close(check.gemv(oracle, type, weights), check.gemv(level, type, weights), tolerance)) {
                    return Optional.of("one row times " + type + " gives wrong results");
                }
                if (!close(check.gemm(oracle, type, weights), check.gemm(level, type, weights), tolerance)) {
                    return Optional.of("many rows times " + type + " give wrong results");
                }
            }
            return Optional.empty();
        }
    }

    private float uniform() {
        return random.nextInt() * 0x1p-31f;
    }

    private MemorySegment floats(int count) {
        return arena.allocate((long) count * Float.BYTES, 64);
    }

    private MemorySegment gemv(NativeLevel by, DType type, MemorySegment weights) {
        int id = type.ggmlId();
        MemorySegment x = arena.allocate(by.gemvBytes(id, COLS), 64);
        MemorySegment y = floats(WEIGHT_ROWS);
        by.gemvX(id, COLS, activations.address(), x.address());
        by.gemv(id, COLS, weights.address(), type.bytes(COLS), WEIGHT_ROWS, x.address(), y.address());
        return y;
    }

    private MemorySegment gemm(NativeLevel by, DType type, MemorySegment weights) {
        int id = type.ggmlId();
        MemorySegment x = arena.allocate(by.gemmBytes(id, COLS, ROWS), 64);
        MemorySegment tmp = arena.allocate(by.gemmTmp(id, COLS, ROWS), 64);
        MemorySegment y = floats(ROWS * WEIGHT_ROWS);
        by.gemmX(id, COLS, activations.address(), COLS, ROWS, 0, ROWS, x.address());
        by.gemm(
                id,
                COLS,
                weights.address(),
                type.bytes(COLS),
                WEIGHT_ROWS,
                x.address(),
                ROWS,
                y.address(),
                WEIGHT_ROWS,
                tmp.address());
        return y;
    }

    /// Random weights: any bytes will do but for the scales, which are to be finite and alike.
    private MemorySegment weights(DType type) {
        long bytes = WEIGHT_ROWS * type.bytes(COLS);
        MemorySegment weights = arena.allocate(bytes + Long.BYTES, 64);
        for (long i = 0; i < bytes; i += Long.BYTES) {
            weights.set(ValueLayout.JAVA_LONG, i, random.nextLong());
        }
        for (long block = 0; block < bytes; block += type.blockBytes()) {
            switch (type) {
                case F32 -> weights.set(ValueLayout.JAVA_FLOAT, block, uniform());
                case BF16 -> weights.set(SHORT, block, (short) (Float.floatToRawIntBits(uniform()) >> 16));
                case F16, Q4_0, Q5_0, Q8_0 -> putHalf(weights, block);
                case Q4_1 -> putHalves(weights, block, Q41.MINIMUM);
                case Q5_1 -> putHalves(weights, block, Q51.MINIMUM);
                case Q4_K -> putHalves(weights, block, Q4K.MINIMUM);
                case Q5_K -> putHalves(weights, block, Q5K.MINIMUM);
                case Q2_K -> putHalves(weights, block + Q2K.SCALE, Q2K.MINIMUM - Q2K.SCALE);
                case Q3_K -> putHalf(weights, block + Q3K.SCALE);
                case Q6_K -> putHalf(weights, block + Q6K.SCALE);
            }
        }
        return weights;
    }

    private void putHalves(MemorySegment weights, long scale, int fromScaleToMinimum) {
        putHalf(weights, scale);
        putHalf(weights, scale + fromScaleToMinimum);
    }

    private void putHalf(MemorySegment weights, long offset) {
        weights.set(SHORT, offset, Float.floatToFloat16(uniform()));
    }

    private static boolean close(MemorySegment expected, MemorySegment actual, double tolerance) {
        long count = expected.byteSize() / Float.BYTES;
        double squares = 0;
        double largest = 0;
        for (int i = 0; i < count; i++) {
            double e = expected.getAtIndex(ValueLayout.JAVA_FLOAT, i);
            double difference = Math.abs(e - actual.getAtIndex(ValueLayout.JAVA_FLOAT, i));
            squares += e * e;
            // Not Math.max alone: a NaN has to fail.
            largest = difference <= largest ? largest : difference;
        }
        return largest <= tolerance * Math.sqrt(squares / count);
    }
}
