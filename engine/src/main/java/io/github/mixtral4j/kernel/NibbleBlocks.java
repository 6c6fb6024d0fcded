package io.github.mixtral4j.kernel;

import static io.github.mixtral4j.kernel.Lanes.COUNT;
import static io.github.mixtral4j.kernel.Lanes.FLOATS;
import static io.github.mixtral4j.kernel.Lanes.INTS;

import io.github.mixtral4j.tensor.Rows;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/// What Q4_0, Q4_1, Q5_0 and Q5_1 have in common: blocks of 32 elements that end with 16 bytes of nibbles, element `j`
/// in the low and element `j + 16` in the high half of byte `j`.
///
/// A register holds the nibbles of [#BLOCKS] neighbouring blocks, four lanes each. They come from as many loads, each
/// so far after the one before that the next block's nibbles fall into its own lanes; the last load ends with the last
/// block. Activations are quantized and packed in pairs ([QuantizedRow]): the 16-bit lane at bytes `2i` and `2i + 1` of
/// a block has the elements `2i`, `2i + 16`, `2i + 1` and `2i + 17`. All products of a lane belong to one block: eight,
/// at most 31 · 127 each, which is what the upper half of a lane holds. Blocks that fill no register are expanded.
final class NibbleBlocks {
    /// Elements of a block.
    static final int ELEMENTS = 32;
    /// Bytes of nibbles of a block.
    static final int NIBBLE_BYTES = 16;
    /// Blocks in a register.
    static final int BLOCKS = COUNT / 4;
    /// Elements in a register.
    static final int UNIT = BLOCKS * ELEMENTS;

    /// The place of each element in packed pairs: nibbles 0 of the 16-bit lanes, then nibbles 1, 2 and 3.
    private static final int[] ORDER = QuantizedRow.order(UNIT, place -> {
        int nibble = place / (UNIT / 4);
        int lane = place % (UNIT / 4);
        return lane / 8 * ELEMENTS + lane % 8 * 2 + nibble / 2 + nibble % 2 * 16;
    });

    // The lanes from the second block on, from the third, from the fourth.
    static final VectorMask<Integer> FROM1 = VectorMask.fromLong(INTS, 0xfff0);
    static final VectorMask<Integer> FROM2 = VectorMask.fromLong(INTS, 0xff00);
    static final VectorMask<Integer> FROM3 = VectorMask.fromLong(INTS, 0xf000);

    /// Nibbles 0 of 16-bit lanes.
    static final IntVector LOWEST = IntVector.broadcast(INTS, 0x000f000f);
    /// The lower nibbles of bytes.
    static final IntVector NIBBLES = IntVector.broadcast(INTS, 0x0f0f0f0f);
    /// The lower bytes of 16-bit lanes.
    static final IntVector EVEN = IntVector.broadcast(INTS, 0x00ff00ff);

    /// Of the sums of a unit, the scales in the lanes of their blocks.
    static final VectorShuffle<Float> SCALES = VectorShuffle.fromOp(FLOATS, i -> i / 4);
    /// Of the sums of a unit, the corrections in the lanes of their blocks.
    static final VectorShuffle<Float> CORRECTIONS = VectorShuffle.fromOp(FLOATS, i -> (BLOCKS + i / 4) % COUNT);

    /// Where float32 has the bits of a sign-extended float16 after a shift by 13: a number 2^112 times too small.
    /// Subnormal scales are exact; an infinity or NaN counts as a large number, as in [Lanes#fromHalf]. To look for
    /// them here costs up to 9 %, so they show only where blocks are expanded for many rows, as for a prompt.
    static final int HALF_BITS = 0x8fffe000;

    /// The nibbles of a register, a byte each.
    static final VectorSpecies<Byte> QUANTS = VectorShape.forBitSize(Lanes.BITS).withLanes(byte.class);
    /// Activations of half a register: bytes that widen to 16-bit lanes.
    static final VectorSpecies<Byte> BYTES =
            VectorShape.forBitSize(Lanes.BITS / 2).withLanes(byte.class);
    /// The 16-bit lanes of a register.
    static final VectorSpecies<Short> SHORTS =
            VectorShape.forBitSize(Lanes.BITS).withLanes(short.class);

    private NibbleBlocks() {}

    /// Prepares a row.
    ///
    /// @param excess a quarter of what unsigned quants are too large by: a block's correction is in four lanes
    static void prepare(Rows x, int row, int excess, Activations out) {
        QuantizedRow.preparePairs(x, row, ORDER, ELEMENTS, excess, out);
    }
}
