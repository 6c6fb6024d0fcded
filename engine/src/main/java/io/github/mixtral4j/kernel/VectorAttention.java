package io.github.mixtral4j.kernel;

import static io.github.mixtral4j.kernel.Lanes.COUNT;
import static io.github.mixtral4j.kernel.Lanes.FLOATS;
import static io.github.mixtral4j.kernel.PagedKv.PAGE_TOKENS;

import io.github.mixtral4j.tensor.Rows;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/// Causal attention, tiled by cache page with a running softmax, so that no score matrix is kept.
///
/// A task is one key/value head for a part of an [AttentionPlan]: a page's keys and values are converted to floats once
/// for all rows of the part and for all query heads that share the head.
///
/// Source: Dao et al. 2022, "FlashAttention"; Milakov and Gimelshein 2018, "Online normalizer calculation for softmax".
@SuppressWarnings("NullAway.Init") // the arguments of the call in progress
final class VectorAttention implements WorkerPool.Task {
    private final WorkerPool pool;
    private final AttentionPlan plan = new AttentionPlan();
    private final Tile[] tiles;
    private final WorkerPool.Task mergeTask = this::merge;
    /// What [Tile] holds of each query, for parts that are to be merged.
    private float[] sums = {};

    private float[] maxima = {};
    private float[] totals = {};
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
        plan.cut(q.count(), positions, sequences);
        int kept = Math.multiplyExact(plan.slots(), kv.numHeads());
        if (maxima.length < kept || sums.length < kept * stride()) {
            // A sequence needs one more slot every few hundred tokens: grow by doubling.
            sums = new float[Math.multiplyExact(2 * kept, stride())];
            maxima = new float[2 * kept];
            totals = new float[2 * kept];
        }
        pool.run(plan.parts() * kv.numKvHeads(), this);
        pool.run(plan.merges() * kv.numKvHeads(), mergeTask);
    }

    /// Attention of a part to its pages, for one key and value head.
    @Override
    public void run(int task, int worker) {
        int part = task / kv.numKvHeads();
        int kvHead = task % kv.numKvHeads();
        int group = kv.numHeads() / kv.numKvHeads();
        int heads = plan.rows(part) * group;
        Tile tile = tiles[worker];
        tile.grow(kv.headDim(), stride(), AttentionPlan.BLOCK_ROWS * group);
        pages(part, kvHead, group, tile);
        if (plan.isWhole(part)) {
            for (int head = 0; head < heads; head++) {
                write(part, kvHead, head, tile.sums, head * stride(), tile.totals[head]);
            }
        } else {
            int at = slot(part, kvHead);
            System.arraycopy(tile.sums, 0, sums, at * stride(), heads * stride());
            System.arraycopy(tile.maxima, 0, maxima, at, heads);
            System.arraycopy(tile.totals, 0, totals, at, heads);
        }
    }

    /// Index of the first query of a part that is to be merged: those of a key and value head stand together.
    private int slot(int part, int kvHead) {
        return plan.slot(part) * kv.numHeads() + kvHead * (kv.numHeads() / kv.numKvHeads()) * plan.rows(part);
    }

    private void merge(int task, int worker) {
        int merge = task / kv.numKvHeads();
        int kvHead = task % kv.numKvHeads();
        int part = plan.mergePart(merge);
        int step = plan.rows(part) * kv.numHeads();
        int first = slot(part, kvHead);
        int end = first + plan.mergePieces(merge) * step;
        for (int head = 0; head < plan.rows(part) * (kv.numHeads() / kv.numKvHeads()); head++) {
            int query = first + head;
            for (int piece = query + step; piece < end; piece += step) {
                addPiece(query, piece);
            }
            write(part, kvHead, head, sums, query * stride(), totals[query]);
        }
    }

    /// Merges what a query got from one more piece into what it has.
    private void addPiece(int query, int piece) {
        float max = Math.max(maxima[query], maxima[piece]);
        float keep = (float) Math.exp(maxima[query] - max);
        float weight = (float) Math.exp(maxima[piece] - max);
        maxima[query] = max;
        totals[query] = totals[query] * keep + totals[piece] * weight;
        for (int i = 0; i < kv.headDim(); i++) {
            int at = query * stride() + i;
            sums[at] = sums[at] * keep + sums[piece * stride() + i] * weight;
        }
    }

    /// Writes the result of a query, the `head`-th of a part.
    private void write(int part, int kvHead, int head, float[] from, int at, float total) {
        int group = kv.numHeads() / kv.numKvHeads();
        int col = (kvHead * group + head % group) * kv.headDim();
        for (int i = 0; i < kv.headDim(); i++) {
            out.set(plan.firstRow(part) + head / group, col + i, from[at + i] / total);
        }
    }

    /// Floats of a value row in scratch memory: whole registers.
    private int stride() {
        return Math.ceilDiv(kv.headDim(), COUNT) * COUNT;
    }

    /// Takes the pages of a part into the sums of its queries.
    private void pages(int part, int kvHead, int group, Tile tile) {
        int dim = kv.headDim();
        int stride = stride();
        int from = plan.firstRow(part);
        int heads = plan.rows(part) * group;
        // Not infinite: a row that sees nothing of a piece would become NaN.
        Arrays.fill(tile.maxima, 0, heads, -Float.MAX_VALUE);
        Arrays.fill(tile.totals, 0, heads, 0);
        Arrays.fill(tile.sums, 0, heads * stride, 0);
        for (int page = plan.firstPage(part); page < plan.firstPage(part) + plan.pages(part); page++) {
            MemorySegment memory = kv.page(sequences[from], page);
            CachedFloats.keys(memory, kv.keyOffset(layer, kvHead), kv.type(), dim, tile.keys, tile.scores);
            CachedFloats.values(memory, kv.valueOffset(layer, kvHead), kv.type(), dim, tile.values, stride);
            // What another sequence left there may be NaN, and is multiplied by 0 at the end of a group of four.
            int cached = positions[from + plan.rows(part) - 1] + 1 - page * PAGE_TOKENS;
            if (cached < PAGE_TOKENS) {
                Arrays.fill(tile.values, cached * stride, tile.values.length, 0);
            }
            for (int head = 0; head < heads; head++) {
                int row = from + head / group;
                int tokens = Math.min(PAGE_TOKENS, positions[row] + 1 - page * PAGE_TOKENS);
                if (tokens > 0) {
                    int query = kvHead * group + head % group;
                    step(tile, head, q.data(), q.offset(row) + (long) query * dim * Float.BYTES, dim, stride, tokens);
                }
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
        int t = 0;
        for (; t <= tokens - 4; t += 4) {
            int v = t * stride + at;
            acc0 = FloatVector.fromArray(FLOATS, values, v).fma(FloatVector.broadcast(FLOATS, p[t]), acc0);
            acc1 = FloatVector.fromArray(FLOATS, values, v + stride).fma(FloatVector.broadcast(FLOATS, p[t + 1]), acc1);
            acc2 = FloatVector.fromArray(FLOATS, values, v + 2 * stride)
                    .fma(FloatVector.broadcast(FLOATS, p[t + 2]), acc2);
            acc3 = FloatVector.fromArray(FLOATS, values, v + 3 * stride)
                    .fma(FloatVector.broadcast(FLOATS, p[t + 3]), acc3);
        }
        // Values past `tokens` may be infinite, and 0 · infinity is no number.
        for (; t < tokens; t++) {
            acc0 = FloatVector.fromArray(FLOATS, values, t * stride + at)
                    .fma(FloatVector.broadcast(FLOATS, p[t]), acc0);
        }
        acc0.add(acc1).add(acc2.add(acc3)).intoArray(sums, sum);
    }
}
