package io.github.mixtral4j.cli.synth;

import io.github.mixtral4j.quant.BlockCodec;
import io.github.mixtral4j.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;

/// Normally distributed weights in one format, at the speed of memory.
///
/// Encoding 80 GB of weights would take hours. So a stock of blocks is encoded once, exactly, and a tensor is dealt
/// from it like hands from a deck of cards: all of the stock in random order, shuffled again, and so on. The file has
/// the format's true statistics, its rows differ, and nothing here knows a byte layout. Threads may share a stock.
final class RandomBlocks {
    /// Elements dealt at once: a block of the K formats, eight of the others.
    static final int UNIT = 256;

    /// Units in the stock: at least the rows of a small model's embedding, few enough for the second-level cache.
    private static final int STOCK = 2048;

    private final MemorySegment stock;
    private final int unitBytes;

    /// @param arena owns the stock
    /// @param deviation standard deviation of the weights; the mean is 0
    RandomBlocks(Arena arena, DType dtype, double deviation, long seed) {
        // Two stocks must not hold the same numbers, or one tensor would be a multiple of another.
        SplittableRandom random = new SplittableRandom(seed + 31L * dtype.ggmlId() + Double.hashCode(deviation));
        BlockCodec codec = BlockCodec.of(dtype);
        float[] weights = new float[UNIT];
        this.unitBytes = Math.toIntExact(dtype.bytes(UNIT));
        this.stock = arena.allocate((long) STOCK * unitBytes, 64);
        for (int unit = 0; unit < STOCK; unit++) {
            for (int i = 0; i < UNIT; i++) {
                weights[i] = (float) (random.nextGaussian() * deviation);
            }
            codec.encode(weights, 0, stock, (long) unit * unitBytes, UNIT);
        }
    }

    /// The weights of one tensor.
    Dealer dealer(SplittableRandom random) {
        return new Dealer(random);
    }

    /// Deals the weights of one tensor. For one thread.
    final class Dealer {
        private final SplittableRandom random;
        private final int[] deck = new int[STOCK];
        private int dealt;

        private Dealer(SplittableRandom random) {
            this.random = random;
            for (int i = 0; i < STOCK; i++) {
                deck[i] = i;
            }
        }

        /// Fills `chunk`, a whole number of units, with the next ones.
        void fill(MemorySegment chunk) {
            for (long at = 0; at < chunk.byteSize(); at += unitBytes) {
                MemorySegment.copy(stock, (long) next() * unitBytes, chunk, at, unitBytes);
            }
        }

        /// The next step of a Fisher-Yates shuffle that never ends.
        private int next() {
            int at = dealt++ % STOCK;
            int other = at + random.nextInt(STOCK - at);
            int unit = deck[other];
            deck[other] = deck[at];
            deck[at] = unit;
            return unit;
        }
    }
}
