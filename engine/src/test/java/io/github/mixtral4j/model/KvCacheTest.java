package io.github.mixtral4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// What the cache stores, read back by the layout that [io.github.mixtral4j.kernel.PagedKv] tells.
class KvCacheTest {
    private static final int LAYERS = 2;
    private static final int KV_HEADS = 3;
    private static final int DIM = 64;
    private static final MixtralConfig CONFIG = config(DIM);

    private static MixtralConfig config(int headDim) {
        return new MixtralConfig(
                256, 512, LAYERS, 2 * KV_HEADS, KV_HEADS, headDim, 512, 4, 2, 1024, 1e-5f, 1e6f, RopeLayout.HALF_SPLIT);
    }

    /// One key (or value) element of a token.
    private static float element(KvCache cache, int sequence, int layer, int head, int token, int i, boolean key) {
        MemorySegment page = cache.page(sequence, token / KvCache.PAGE_TOKENS);
        long plane = key ? cache.keyOffset(layer, head) : cache.valueOffset(layer, head);
        int t = token % KvCache.PAGE_TOKENS;
        long index = key ? (long) i * KvCache.PAGE_TOKENS + t : (long) t * DIM + i;
        long scale = key ? (long) i / 32 * KvCache.PAGE_TOKENS + t : index / 32;
        return switch (cache.type()) {
            case F32 -> page.get(ValueLayout.JAVA_FLOAT, plane + 4 * index);
            case F16 -> Float.float16ToFloat(page.get(ValueLayout.JAVA_SHORT, plane + 2 * index));
            default -> {
                short half = page.get(ValueLayout.JAVA_SHORT, plane + (long) DIM * KvCache.PAGE_TOKENS + 2 * scale);
                yield page.get(ValueLayout.JAVA_BYTE, plane + index) * Float.float16ToFloat(half);
            }
        };
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "F16", "Q8_0"})
    void everyTokenIsWhereAttentionLooksForIt(DType type) {
        Random random = new Random(5);
        try (Arena arena = Arena.ofConfined();
                KvCache cache = KvCache.allocate(CONFIG, 512, type)) {
            int first = cache.openSequence();
            int second = cache.openSequence();
            cache.appendRandom(first, 50, new SplittableRandom(1));
            cache.appendRandom(second, 7, new SplittableRandom(2));
            // The first sequence goes over the border of a page, the second goes on for one token.
            int[] positions = new int[81];
            int[] sequences = new int[81];
            for (int row = 0; row < 80; row++) {
                positions[row] = 50 + row;
                sequences[row] = first;
            }
            positions[80] = 7;
            sequences[80] = second;
            Batch batch = new Batch(new int[81], positions, sequences, new int[0]);
            Rows[][] stored = new Rows[LAYERS][2];
            cache.extend(batch);
            for (int layer = 0; layer < LAYERS; layer++) {
                stored[layer][0] = gaussian(arena, random);
                stored[layer][1] = gaussian(arena, random);
                cache.store(layer, batch, stored[layer][0], stored[layer][1]);
            }
            // Q8_0 rounds to a 127th of the largest of 32.
            double error = type == DType.F32 ? 0 : type == DType.F16 ? 2e-3 : 2e-2;
            for (int row = 0; row < 81; row++) {
                for (int i = 0; i < LAYERS * 2 * KV_HEADS * DIM; i++) {
                    int layer = i % LAYERS;
                    boolean key = i / LAYERS % 2 == 0;
                    int col = i / LAYERS / 2;
                    float got = element(cache, sequences[row], layer, col / DIM, positions[row], col % DIM, key);
                    assertThat(got)
                            .as("row %d, layer %d, column %d, key %s", row, layer, col, key)
                            .isCloseTo(stored[layer][key ? 0 : 1].get(row, col), within((float) error));
                }
            }
        }
    }

    private static Rows gaussian(Arena arena, Random random) {
        Rows rows = Rows.allocate(arena, 81, KV_HEADS * DIM);
        for (int row = 0; row < 81; row++) {
            for (int i = 0; i < rows.cols(); i++) {
                rows.set(row, i, (float) random.nextGaussian());
            }
        }
        return rows;
    }

    @Test
    void aCapacityBeyondCountingIsRefused() {
        assertThatThrownBy(() -> KvCache.allocate(CONFIG, Integer.MAX_VALUE, DType.F16))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the cache has room for at most 2147483584 tokens, got 2147483647; ask for a shorter "
                        + "context (--context)");
    }

    @Test
    void numbersThatQ8CannotHoldBecomeNanAndZerosStayZero() {
        try (Arena arena = Arena.ofConfined();
                KvCache cache = KvCache.allocate(CONFIG, 64, DType.Q8_0)) {
            int sequence = cache.openSequence();
            Batch batch = Batch.ofSequence(sequence, 0, new int[1], 0, 1);
            Rows keys = Rows.allocate(arena, 1, KV_HEADS * DIM);
            Rows values = Rows.allocate(arena, 1, KV_HEADS * DIM);
            keys.set(0, 3, Float.NaN);
            keys.set(0, 40, 1e30f);
            values.set(0, 0, -8e6f);
            values.set(0, 1, 1e5f);
            values.set(0, 64, 1e-9f);
            cache.extend(batch);
            cache.store(0, batch, keys, values);
            assertThat(element(cache, sequence, 0, 0, 0, 3, true)).isNaN();
            assertThat(element(cache, sequence, 0, 0, 0, 40, true)).isNaN();
            assertThat(element(cache, sequence, 0, 1, 0, 0, true)).isZero();
            assertThat(element(cache, sequence, 0, 0, 0, 0, false)).isCloseTo(-8e6f, within(4e3f));
            assertThat(element(cache, sequence, 0, 0, 0, 1, false)).isCloseTo(1e5f, within(4e4f));
            assertThat(element(cache, sequence, 0, 1, 0, 0, false)).isZero();
        }
    }

    @Test
    void aTokenTakesWhatItsFormatTakes() {
        int elements = 2 * LAYERS * KV_HEADS * DIM;
        assertThat(KvCache.bytesPerToken(CONFIG, DType.F32)).isEqualTo(4 * elements);
        assertThat(KvCache.bytesPerToken(CONFIG, DType.F16)).isEqualTo(2 * elements);
        assertThat(KvCache.bytesPerToken(CONFIG, DType.Q8_0)).isEqualTo(elements * 34 / 32);
    }

    @Test
    void formatsThatDoNotFitAreRefused() {
        assertThatThrownBy(() -> KvCache.allocate(config(20), 64, DType.Q8_0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a key/value cache in Q8_0 needs heads of a multiple of 32 elements, those of this model "
                        + "have 20; use F16 (--kv-type f16)");
        assertThatThrownBy(() -> KvCache.allocate(CONFIG, 64, DType.Q4_0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("keys and values are cached as F16, F32 or Q8_0, got Q4_0");
    }
}
