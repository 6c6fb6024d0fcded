package io.github.mixtral4j.kernel;

import io.github.mixtral4j.tensor.Rows;
import java.lang.foreign.MemorySegment;
import java.util.function.IntUnaryOperator;

/// Activations of 8 bits, -127 to 127, each 32 with a scale of their own, in the order in which a format's weights come
/// out of the registers.
///
/// Per block of the format, the sums of [Activations] are first the scales, one for each group of elements that shares
/// a scale of the weights, then the corrections `−m·dx·Σ q` of the groups, as quantized. Kernels may then multiply the
/// unsigned `n` of a weight `s·(n − m)`:
///
///     Σ s·(n − m)·x ≈ s·dx·Σ n·q + s·(−m·dx·Σ q)
///
/// Kernels whose quants are small and unsigned take them in packed pairs ([#preparePairs]): a lane of 32 bits holds the
/// quants `n = nA + 2¹⁶·nB` and meets `x = 2¹⁶·xA + xB`, so that the upper half of one product is the sum of two:
///
///     n·x = 2¹⁶·(nA·xA + nB·xB) + nA·xB   (mod 2³²)
///
/// What is left in the lower half is at most 63 · 127 for each product added: less than a quarter of one unit of the
/// sum, where rounding the activations costs tens of units. So lanes become floats as they are, and the unit of 2¹⁶ is
/// in the scales.
final class QuantizedRow {
    /// The unit of a sum of packed products.
    private static final float PAIR = 0x1p-16f;

    /// Elements with one scale.
    private static final int SCALED = 32;

    private QuantizedRow() {}

    /// The place of each element of a block.
    ///
    /// @param elementAt the element at a place, a permutation of `0 … count - 1`
    static int[] order(int count, IntUnaryOperator elementAt) {
        int[] places = new int[count];
        for (int place = 0; place < count; place++) {
            places[elementAt.applyAsInt(place)] = place;
        }
        return places;
    }

    /// Quantizes the whole blocks of a row; its floats are kept in [Activations#floats] for what is left.
    ///
    /// @param order the place of each element within a block, as many as a block has elements
    /// @param group elements per sum, a divisor of 32
    /// @param excess what unsigned quants are too large by, the `m` above; 1 where the format has minimums instead
    static void prepare(Rows x, int row, int[] order, int group, int excess, Activations out) {
        prepare(x, row, order, group, excess, 1, out);
    }

    private static void prepare(Rows x, int row, int[] order, int group, int excess, float unit, Activations out) {
        int k = x.cols();
        int groups = order.length / group;
        float[] values = out.floats(k);
        byte[] bytes = out.bytes(k);
        float[] sums = out.sums(k / group * 2);
        MemorySegment.copy(x.data(), Rows.FLOAT, x.offset(row), values, 0, k);
        int whole = k - k % order.length;
        for (int from = 0; from < whole; from += SCALED) {
            float max = 0;
            for (int i = from; i < from + SCALED; i++) {
                max = Math.max(max, Math.abs(values[i]));
            }
            float inverse = max == 0 ? 0 : 127 / max;
            int block = from / order.length;
            for (int start = from; start < from + SCALED; start += group) {
                int sum = 0;
                for (int i = start; i < start + group; i++) {
                    float v = values[i] * inverse;
                    byte q = (byte) (v + Math.copySign(0.5f, v));
                    sum += q;
                    bytes[block * order.length + order[i - block * order.length]] = q;
                }
                int at = block * 2 * groups + start % order.length / group;
                sums[at] = max / 127 * unit;
                sums[at + groups] = max / 127 * (-excess * sum);
            }
        }
    }

    /// Quantizes a row of whole blocks like [#prepare], and packs the bytes `a`, `b` of every two neighbouring places:
    /// `b`, then `a` less the sign of `b`, which widened to 16-bit lanes are the bits of `2¹⁶·a + b`.
    static void preparePairs(Rows x, int row, int[] order, int group, int excess, Activations out) {
        prepare(x, row, order, group, excess, PAIR, out);
        byte[] bytes = out.bytes(x.cols());
        for (int i = 0; i < x.cols(); i += 2) {
            byte a = bytes[i];
            byte b = bytes[i + 1];
            bytes[i] = b;
            bytes[i + 1] = (byte) (a + (b >> 7));
        }
    }
}
