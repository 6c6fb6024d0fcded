package io.github.mixtral4j.kernel;

import io.github.mixtral4j.tensor.Rows;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/// The register width, decided once: the machine's own, or `-Dmixtral4j.vectorBits=128|256|512`.
///
/// The constants are static and final because C2 turns vector operations into instructions only for species it can
/// see as constants. For the same reason the kernels spell their inner loops out: a helper method in a large loop
/// may not be inlined, and then every vector becomes an object.
final class Lanes {
    /// Bits per register.
    static final int BITS = Integer.getInteger("mixtral4j.vectorBits", FloatVector.SPECIES_PREFERRED.vectorBitSize());

    static final VectorSpecies<Float> FLOATS = VectorShape.forBitSize(BITS).withLanes(float.class);
    static final VectorSpecies<Integer> INTS = VectorShape.forBitSize(BITS).withLanes(int.class);
    /// As many 16-bit lanes as there are floats in a register.
    static final VectorSpecies<Short> SHORTS = BITS == 128
            ? ShortVector.SPECIES_64
            : VectorShape.forBitSize(BITS / 2).withLanes(short.class);
    /// As many 8-bit lanes as there are floats in a register, but for 128 bits: no species is narrower than 64.
    static final VectorSpecies<Byte> BYTES = BITS == 512 ? ByteVector.SPECIES_128 : ByteVector.SPECIES_64;

    private static final IntVector BYTE_SHIFT = IntVector.zero(INTS).addIndex(8);

    /// Floats per register.
    static final int COUNT = FLOATS.length();

    /// Weights are little-endian in files.
    static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;
    /// Activations exist in memory only.
    static final ByteOrder NATIVE = ByteOrder.nativeOrder();

    private Lanes() {}

    /// The sum of a register's lanes, stored from `at` on: always in the same order.
    ///
    /// `reduceLanes(ADD)` leaves the order open, and takes another one before and after C2 compiles its caller:
    /// logits would change while the machine warms up. The register goes through memory because it would become an
    /// object on its way into a method that C2 does not inline. Written out, because a loop costs a row of 6144
    /// weights 5 %.
    static float sum(float[] lanes, int at) {
        return switch (COUNT) {
            case 4 -> sum(lanes, at, 1);
            case 8 -> sum(lanes, at, 2) + sum(lanes, at + 1, 2);
            case 16 -> (sum(lanes, at, 4) + sum(lanes, at + 2, 4)) + (sum(lanes, at + 1, 4) + sum(lanes, at + 3, 4));
            default -> throw new AssertionError(COUNT);
        };
    }

    private static float sum(float[] lanes, int first, int step) {
        return (lanes[first] + lanes[first + 2 * step]) + (lanes[first + step] + lanes[first + 3 * step]);
    }

    /// The sum of the squares of `count` floats from a byte on; `lanes` is scratch memory for a register.
    static double squares(MemorySegment data, long at, int count, float[] lanes) {
        FloatVector squares = FloatVector.zero(FLOATS);
        int i = 0;
        for (; i <= count - COUNT; i += COUNT) {
            FloatVector v = FloatVector.fromMemorySegment(FLOATS, data, at + i * 4L, NATIVE);
            squares = v.fma(v, squares);
        }
        squares.intoArray(lanes, 0);
        double sum = sum(lanes, 0);
        for (; i < count; i++) {
            double v = data.get(Rows.FLOAT, at + i * 4L);
            sum += v * v;
        }
        return sum;
    }

    /// As many bytes as a register has lanes, sign-extended to integers.
    static IntVector bytes(MemorySegment data, long offset) {
        if (BITS == 128) {
            return IntVector.broadcast(INTS, data.get(ValueLayout.JAVA_INT_UNALIGNED, offset))
                    .lanewise(VectorOperators.LSHR, BYTE_SHIFT)
                    .lanewise(VectorOperators.LSHL, 24)
                    .lanewise(VectorOperators.ASHR, 24);
        }
        return (IntVector)
                ByteVector.fromMemorySegment(BYTES, data, offset, LE).convertShape(VectorOperators.B2I, INTS, 0);
    }

    /// F16 bits, sign-extended to 32, to floats; subnormals are exact, infinities are not kept.
    static FloatVector fromHalf(IntVector half) {
        return half.lanewise(VectorOperators.LSHL, 13)
                .and(0x8fffe000)
                .reinterpretAsFloats()
                .mul(0x1p112f);
    }

    /// `e^x`, relative error below 3e-7; arguments are clamped to where float32 has an answer.
    ///
    /// Powers of two come from the exponent bits, the rest of `|r| <= ln 2 / 2` from its Taylor polynomial.
    static FloatVector exp(FloatVector x) {
        FloatVector clamped = x.max(-87.3f).min(88.3f);
        // Adding 1.5 * 2^23 rounds to an integer and leaves it in the low mantissa bits.
        FloatVector shifted = clamped.mul(1.44269504f).add(12582912f);
        FloatVector n = shifted.sub(12582912f);
        FloatVector r = n.fma(FloatVector.broadcast(FLOATS, -0.693145752f), clamped);
        r = n.fma(FloatVector.broadcast(FLOATS, -1.42860677e-6f), r);
        FloatVector p = FloatVector.broadcast(FLOATS, 1f / 720);
        p = p.fma(r, FloatVector.broadcast(FLOATS, 1f / 120));
        p = p.fma(r, FloatVector.broadcast(FLOATS, 1f / 24));
        p = p.fma(r, FloatVector.broadcast(FLOATS, 1f / 6));
        p = p.fma(r, FloatVector.broadcast(FLOATS, 0.5f));
        p = p.fma(r, FloatVector.broadcast(FLOATS, 1f));
        p = p.fma(r, FloatVector.broadcast(FLOATS, 1f));
        IntVector exponent = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23);
        return p.reinterpretAsInts().add(exponent).reinterpretAsFloats();
    }
}
