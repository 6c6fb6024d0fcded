package io.github.mixtral4j.kernel;

import static io.github.mixtral4j.kernel.Lanes.COUNT;
import static io.github.mixtral4j.kernel.Lanes.FLOATS;
import static io.github.mixtral4j.kernel.Lanes.INTS;
import static io.github.mixtral4j.kernel.Lanes.LE;
import static io.github.mixtral4j.kernel.Lanes.SHORTS;

import io.github.mixtral4j.quant.BlockCodec;
import io.github.mixtral4j.tensor.DType;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/// The float formats in registers: weights become floats and meet unquantized activations. Rows may have any length;
/// what does not fill four registers is decoded by the scalar codec.
enum VectorFloats implements VectorFormat {
    /// As they are.
    F32(DType.F32) {
        @Override
        void expandRegisters(MemorySegment w, long offset, int elements, float[] out, int outOffset) {
            for (int i = 0; i < elements; i += COUNT) {
                long o = offset + 4L * i;
                FloatVector.fromMemorySegment(FLOATS, w, o, LE).intoArray(out, outOffset + i);
            }
        }

        @Override
        void dotsRegisters(
                MemorySegment w, long offset, long stride, int rows, int elements, float[] x, float[] lanes) {
            for (int i = 0; i < elements; i += 4 * COUNT) {
                for (int row = 0; row < rows; row++) {
                    long o = offset + row * stride + 4L * i;
                    FloatVector acc0 = FloatVector.fromArray(FLOATS, lanes, row * COUNT);
                    acc0 = FloatVector.fromMemorySegment(FLOATS, w, o, LE)
                            .fma(FloatVector.fromArray(FLOATS, x, i), acc0);
                    acc0 = FloatVector.fromMemorySegment(FLOATS, w, o + 4L * COUNT, LE)
                            .fma(FloatVector.fromArray(FLOATS, x, i + 1 * COUNT), acc0);
                    FloatVector acc1 = FloatVector.fromMemorySegment(FLOATS, w, o + 8L * COUNT, LE)
                            .mul(FloatVector.fromArray(FLOATS, x, i + 2 * COUNT));
                    acc1 = FloatVector.fromMemorySegment(FLOATS, w, o + 12L * COUNT, LE)
                            .fma(FloatVector.fromArray(FLOATS, x, i + 3 * COUNT), acc1);
                    acc0.add(acc1).intoArray(lanes, row * COUNT);
                }
            }
        }
    },

    /// Sign-extended, moved to the places of a float32 and scaled by the difference of the exponents'
    /// biases, as in [Lanes#fromHalf]. That makes 65536 or more of an infinity or NaN. Where weights are
    /// expanded for many rows, as for a prompt, such a weight overflows on a longer way and stays
    /// infinite; for few rows that way costs 15 %, and it counts as a large number.
    F16(DType.F16) {
        @Override
        void expandRegisters(MemorySegment w, long offset, int elements, float[] out, int outOffset) {
            for (int i = 0; i < elements; i += COUNT) {
                long o = offset + 2L * i;
                ((IntVector) ShortVector.fromMemorySegment(SHORTS, w, o, LE).convertShape(VectorOperators.S2I, INTS, 0))
                        .lanewise(VectorOperators.LSHL, 13)
                        .and(0x8fffe000)
                        .reinterpretAsFloats()
                        .mul(0x1p112f)
                        .mul(0x1p112f)
                        .mul(0x1p-112f)
                        .intoArray(out, outOffset + i);
            }
        }

        @Override
        void dotsRegisters(
                MemorySegment w, long offset, long stride, int rows, int elements, float[] x, float[] lanes) {
            for (int i = 0; i < elements; i += 4 * COUNT) {
                for (int row = 0; row < rows; row++) {
                    long o = offset + row * stride + 2L * i;
                    FloatVector acc0 = FloatVector.fromArray(FLOATS, lanes, row * COUNT);
                    acc0 = ((IntVector) ShortVector.fromMemorySegment(SHORTS, w, o, LE)
                                    .convertShape(VectorOperators.S2I, INTS, 0))
                            .lanewise(VectorOperators.LSHL, 13)
                            .and(0x8fffe000)
                            .reinterpretAsFloats()
                            .mul(0x1p112f)
                            .fma(FloatVector.fromArray(FLOATS, x, i), acc0);
                    acc0 = ((IntVector) ShortVector.fromMemorySegment(SHORTS, w, o + 2L * COUNT, LE)
                                    .convertShape(VectorOperators.S2I, INTS, 0))
                            .lanewise(VectorOperators.LSHL, 13)
                            .and(0x8fffe000)
                            .reinterpretAsFloats()
                            .mul(0x1p112f)
                            .fma(FloatVector.fromArray(FLOATS, x, i + 1 * COUNT), acc0);
                    FloatVector acc1 = ((IntVector) ShortVector.fromMemorySegment(SHORTS, w, o + 4L * COUNT, LE)
                                    .convertShape(VectorOperators.S2I, INTS, 0))
                            .lanewise(VectorOperators.LSHL, 13)
                            .and(0x8fffe000)
                            .reinterpretAsFloats()
                            .mul(0x1p112f)
                            .mul(FloatVector.fromArray(FLOATS, x, i + 2 * COUNT));
                    acc1 = ((IntVector) ShortVector.fromMemorySegment(SHORTS, w, o + 6L * COUNT, LE)
                                    .convertShape(VectorOperators.S2I, INTS, 0))
                            .lanewise(VectorOperators.LSHL, 13)
                            .and(0x8fffe000)
                            .reinterpretAsFloats()
                            .mul(0x1p112f)
                            .fma(FloatVector.fromArray(FLOATS, x, i + 3 * COUNT), acc1);
                    acc0.add(acc1).intoArray(lanes, row * COUNT);
                }
            }
        }
    },

    /// The upper half of a float32.
    BF16(DType.BF16) {
        @Override
        void expandRegisters(MemorySegment w, long offset, int elements, float[] out, int outOffset) {
            for (int i = 0; i < elements; i += COUNT) {
                long o = offset + 2L * i;
                ((IntVector) ShortVector.fromMemorySegment(SHORTS, w, o, LE).convertShape(VectorOperators.S2I, INTS, 0))
                        .lanewise(VectorOperators.LSHL, 16)
                        .reinterpretAsFloats()
                        .intoArray(out, outOffset + i);
            }
        }

        @Override
        void dotsRegisters(
                MemorySegment w, long offset, long stride, int rows, int elements, float[] x, float[] lanes) {
            for (int i = 0; i < elements; i += 4 * COUNT) {
                for (int row = 0; row < rows; row++) {
                    long o = offset + row * stride + 2L * i;
                    FloatVector acc0 = FloatVector.fromArray(FLOATS, lanes, row * COUNT);
                    acc0 = ((IntVector) ShortVector.fromMemorySegment(SHORTS, w, o, LE)
                                    .convertShape(VectorOperators.S2I, INTS, 0))
                            .lanewise(VectorOperators.LSHL, 16)
                            .reinterpretAsFloats()
                            .fma(FloatVector.fromArray(FLOATS, x, i), acc0);
                    acc0 = ((IntVector) ShortVector.fromMemorySegment(SHORTS, w, o + 2L * COUNT, LE)
                                    .convertShape(VectorOperators.S2I, INTS, 0))
                            .lanewise(VectorOperators.LSHL, 16)
                            .reinterpretAsFloats()
                            .fma(FloatVector.fromArray(FLOATS, x, i + 1 * COUNT), acc0);
                    FloatVector acc1 = ((IntVector) ShortVector.fromMemorySegment(SHORTS, w, o + 4L * COUNT, LE)
                                    .convertShape(VectorOperators.S2I, INTS, 0))
                            .lanewise(VectorOperators.LSHL, 16)
                            .reinterpretAsFloats()
                            .mul(FloatVector.fromArray(FLOATS, x, i + 2 * COUNT));
                    acc1 = ((IntVector) ShortVector.fromMemorySegment(SHORTS, w, o + 6L * COUNT, LE)
                                    .convertShape(VectorOperators.S2I, INTS, 0))
                            .lanewise(VectorOperators.LSHL, 16)
                            .reinterpretAsFloats()
                            .fma(FloatVector.fromArray(FLOATS, x, i + 3 * COUNT), acc1);
                    acc0.add(acc1).intoArray(lanes, row * COUNT);
                }
            }
        }
    };

    private final DType type;

    VectorFloats(DType type) {
        this.type = type;
    }

    /// Expands whole registers.
    abstract void expandRegisters(MemorySegment w, long offset, int elements, float[] out, int outOffset);

    /// Dot products of whole groups of four registers.
    abstract void dotsRegisters(
            MemorySegment w, long offset, long stride, int rows, int elements, float[] x, float[] lanes);

    @Override
    public void expand(MemorySegment weights, long offset, int elements, float[] out, int outOffset) {
        int whole = elements / COUNT * COUNT;
        expandRegisters(weights, offset, whole, out, outOffset);
        BlockCodec.of(type).decode(weights, offset + type.bytes(whole), out, outOffset + whole, elements - whole);
    }

    @Override
    public void dots(MemorySegment weights, long offset, long stride, int rows, int k, Activations x, float[] scratch) {
        float[] values = x.floats(k);
        int whole = k / (4 * COUNT) * (4 * COUNT);
        dotsRegisters(weights, offset, stride, rows, whole, values, scratch);
        for (int row = 0; row < rows && whole < k; row++) {
            long rest = offset + row * stride + type.bytes(whole);
            BlockCodec.of(type).decode(weights, rest, scratch, WORK, k - whole);
            for (int i = whole; i < k; i++) {
                scratch[row * COUNT] += scratch[WORK + i - whole] * values[i];
            }
        }
    }
}
