package io.github.mixtral4j.kernel;

import static io.github.mixtral4j.kernel.Lanes.COUNT;
import static io.github.mixtral4j.kernel.Lanes.FLOATS;
import static io.github.mixtral4j.kernel.Lanes.INTS;
import static io.github.mixtral4j.kernel.Lanes.LE;
import static io.github.mixtral4j.kernel.Lanes.SHORTS;
import static io.github.mixtral4j.kernel.PagedKv.PAGE_TOKENS;

import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/// Causal attention, tiled by cache page with a running softmax, so that no score matrix is kept.
///
/// A task is one key/value head for up to [#ROW_BLOCK] rows: a page's keys and values are converted to floats once for
/// all of these rows and for all query heads that share the head.
///
/// Source: Dao et al. 2022, "FlashAttention"; Milakov and Gimelshein 2018, "Online normalizer calculation for softmax".
@SuppressWarnings("NullAway.Init") // the arguments of the call in progress
final class VectorAttention implements WorkerPool.Task {
    private static final int ROW_BLOCK = 16;

    private final WorkerPool pool;
    private final Tile[] tiles;
    private Rows q;
    private Rows out;
    private PagedKv kv;
    private int layer;
    private int[] positions = {};
    private int[] sequences = {};

    /// Scratch of one worker.
    private static final class Tile {
        float[] keys = {};
        float[] values = {};
        float[] sums = {};
        float[] maxima = {};
        float[] totals = {};
        final float[] scores = new float[PAGE_TOKENS];
        final float[] lanes = new float[COUNT];

        void grow(int dim, int stride, int heads) {
            if (keys.length != dim * PAGE_TOKENS || sums.length < heads * stride) {
                keys = new float[dim * PAGE_TOKENS];
                values = new float[PAGE_TOKENS * stride];
                sums = new float[heads * stride];
                maxima = new float[heads];
                totals = new float[heads];
            }
        }
    }

    VectorAttention(WorkerPool pool) {
        this.pool = pool;
        tiles = new Tile[pool.threads()];
        Arrays.setAll(tiles, i -> new Tile());
    }

    void attend(Rows queries, PagedKv cache, int ofLayer, int[] rowPositions, int[] rowSequences, Rows result) {
        q = queries;
        kv = cache;
        layer = ofLayer;
        positions = rowPositions;
        sequences = rowSequences;
        out = result;
        pool.run(Math.ceilDiv(q.count(), ROW_BLOCK) * kv.numKvHeads(), this);
    }

    @Override
    public void run(int task, int worker) {
        int kvHead = task % kv.numKvHeads();
        int from = task / kv.numKvHeads() * ROW_BLOCK;
        int to = Math.min(from + ROW_BLOCK, q.count());
        int group = kv.numHeads() / kv.numKvHeads();
        Tile tile = tiles[worker];
        tile.grow(kv.headDim(), stride(), ROW_BLOCK * group);
        while (from < to) {
            int end = from + 1;
            while (end < to && sequences[end] == sequences[from]) {
                end++;
            }
            rows(from, end, kvHead, group, tile);
            from = end;
        }
    }

    /// Floats of a value row in scratch memory: whole registers.
    private int stride() {
        return Math.ceilDiv(kv.headDim(), COUNT) * COUNT;
    }

    /// Rows `[from, to)` of one sequence.
    private void rows(int from, int to, int kvHead, int group, Tile tile) {
        int dim = kv.headDim();
        int stride = stride();
        int heads = (to - from) * group;
        Arrays.fill(tile.maxima, 0, heads, Float.NEGATIVE_INFINITY);
        Arrays.fill(tile.totals, 0, heads, 0);
        Arrays.fill(tile.sums, 0, heads * stride, 0);
        int pages = positions[to - 1] / PAGE_TOKENS + 1;
        for (int page = 0; page < pages; page++) {
            MemorySegment memory = kv.page(sequences[from], page);
            load(memory, kv.keyOffset(layer, kvHead), dim, PAGE_TOKENS, tile.keys, PAGE_TOKENS);
            load(memory, kv.valueOffset(layer, kvHead), PAGE_TOKENS, dim, tile.values, stride);
            for (int head = 0; head < heads; head++) {
                int row = from + head / group;
                int tokens = Math.min(PAGE_TOKENS, positions[row] + 1 - page * PAGE_TOKENS);
                if (tokens > 0) {
                    int query = kvHead * group + head % group;
                    step(tile, head, q.data(), q.offset(row) + (long) query * dim * Float.BYTES, dim, stride, tokens);
                }
            }
        }
        for (int head = 0; head < heads; head++) {
            int row = from + head / group;
            int query = kvHead * group + head % group;
            for (int i = 0; i < dim; i++) {
                out.set(row, query * dim + i, tile.sums[head * stride + i] / tile.totals[head]);
            }
        }
    }

    /// Takes one page into a head's running softmax.
    private static void step(Tile tile, int head, MemorySegment q, long query, int dim, int stride, int tokens) {
        float[] scores = tile.scores;
        float scale = (float) (1 / Math.sqrt(dim));
        for (int t = 0; t < PAGE_TOKENS; t += 4 * COUNT) {
            scores(tile.keys, t, q, query, dim, scale, scores);
        }
        Arrays.fill(scores, tokens, PAGE_TOKENS, Float.NEGATIVE_INFINITY);
        float max = tile.maxima[head];
        for (int t = 0; t < tokens; t++) {
            max = Math.max(max, scores[t]);
        }
        FloatVector total = FloatVector.zero(FLOATS);
        for (int t = 0; t < PAGE_TOKENS; t += COUNT) {
            FloatVector p = Lanes.exp(FloatVector.fromArray(FLOATS, scores, t).sub(max));
            // The clamped exponential of a masked score is tiny but not zero.
            p = p.blend(0f, FloatVector.fromArray(FLOATS, scores, t).test(VectorOperators.IS_INFINITE));
            p.intoArray(scores, t);
            total = total.add(p);
        }
        float keep = (float) Math.exp(tile.maxima[head] - max);
        tile.maxima[head] = max;
        total.intoArray(tile.lanes, 0);
        tile.totals[head] = tile.totals[head] * keep + Lanes.sum(tile.lanes, 0);
        for (int i = 0; i < stride; i += COUNT) {
            weighted(tile.values, i, stride, scores, tokens, keep, tile.sums, head * stride + i);
        }
    }

    /// Scaled dot products of a query with four registers' worth of transposed keys.
    private static void scores(float[] keys, int at, MemorySegment q, long query, int dim, float scale, float[] out) {
        FloatVector acc0 = FloatVector.zero(FLOATS);
        FloatVector acc1 = acc0;
        FloatVector acc2 = acc0;
        FloatVector acc3 = acc0;
        for (int i = 0; i < dim; i++) {
            FloatVector b = FloatVector.broadcast(FLOATS, q.get(Rows.FLOAT, query + (long) i * Float.BYTES) * scale);
            int k = i * PAGE_TOKENS + at;
            acc0 = FloatVector.fromArray(FLOATS, keys, k).fma(b, acc0);
            acc1 = FloatVector.fromArray(FLOATS, keys, k + COUNT).fma(b, acc1);
            acc2 = FloatVector.fromArray(FLOATS, keys, k + 2 * COUNT).fma(b, acc2);
            acc3 = FloatVector.fromArray(FLOATS, keys, k + 3 * COUNT).fma(b, acc3);
        }
        acc0.intoArray(out, at);
        acc1.intoArray(out, at + COUNT);
        acc2.intoArray(out, at + 2 * COUNT);
        acc3.intoArray(out, at + 3 * COUNT);
    }

    /// `sum = sum * keep + Σ p[t] · value[t]` for one register of elements; four sums hide the latency of the addition.
    private static void weighted(
            float[] values, int at, int stride, float[] p, int tokens, float keep, float[] sums, int sum) {
        FloatVector acc0 = FloatVector.fromArray(FLOATS, sums, sum).mul(keep);
        FloatVector acc1 = FloatVector.zero(FLOATS);
        FloatVector acc2 = acc1;
        FloatVector acc3 = acc1;
        // Probabilities past `tokens` are zero, so whole groups of four are safe.
        for (int t = 0; t < tokens; t += 4) {
            int v = t * stride + at;
            acc0 = FloatVector.fromArray(FLOATS, values, v).fma(FloatVector.broadcast(FLOATS, p[t]), acc0);
            acc1 = FloatVector.fromArray(FLOATS, values, v + stride).fma(FloatVector.broadcast(FLOATS, p[t + 1]), acc1);
            acc2 = FloatVector.fromArray(FLOATS, values, v + 2 * stride)
                    .fma(FloatVector.broadcast(FLOATS, p[t + 2]), acc2);
            acc3 = FloatVector.fromArray(FLOATS, values, v + 3 * stride)
                    .fma(FloatVector.broadcast(FLOATS, p[t + 3]), acc3);
        }
        acc0.add(acc1).add(acc2.add(acc3)).intoArray(sums, sum);
    }

    /// Converts `rows` rows of `cols` cached elements to floats, rows `stride` apart.
    private void load(MemorySegment page, long offset, int rows, int cols, float[] out, int stride) {
        for (int row = 0; row < rows; row++) {
            long from = offset + (long) row * cols * kv.type().blockBytes();
            if (kv.type() == DType.F16) {
                loadHalves(page, from, cols, out, row * stride);
            } else {
                MemorySegment.copy(page, Rows.FLOAT, from, out, row * stride, cols);
            }
        }
    }

    private static void loadHalves(MemorySegment page, long offset, int cols, float[] out, int at) {
        int i = 0;
        for (; i <= cols - COUNT; i += COUNT) {
            IntVector half = (IntVector) ShortVector.fromMemorySegment(SHORTS, page, offset + i * 2L, LE)
                    .convertShape(VectorOperators.S2I, INTS, 0);
            Lanes.fromHalf(half).intoArray(out, at + i);
        }
        for (; i < cols; i++) {
            out[at + i] = Float.float16ToFloat(page.get(ValueLayout.JAVA_SHORT, offset + i * 2L));
        }
    }
}
