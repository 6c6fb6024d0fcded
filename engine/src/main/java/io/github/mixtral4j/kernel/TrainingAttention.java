package io.github.mixtral4j.kernel;

import static io.github.mixtral4j.kernel.Lanes.COUNT;
import static io.github.mixtral4j.kernel.Lanes.FLOATS;
import static io.github.mixtral4j.kernel.Lanes.NATIVE;
import static io.github.mixtral4j.kernel.PanelProduct.PANEL;

import io.github.mixtral4j.tensor.Rows;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/// Causal attention over packed samples and its backward pass, out of [PanelProduct]s.
///
/// A task is one key/value head of one sample: it copies the keys and values once for all query heads that share them
/// and goes through [#BLOCK] queries at a time, with all scores of these queries in an array. Backward computes the
/// probabilities again from the logarithms of their sums, so that nothing of the size of scores is kept.
@SuppressWarnings("NullAway.Init") // the arguments of the call in progress
final class TrainingAttention {
    /// Queries at a time, a multiple of 6.
    private static final int BLOCK = 48;

    private final WorkerPool pool;
    private final Tile[] tiles;
    private final WorkerPool.Task forwardTask = this::forward;
    private final WorkerPool.Task backwardTask = this::backward;
    private Rows q;
    private Rows k;
    private Rows v;
    private int dim;
    private int padded;
    private int[] bounds = {};
    private Rows out;
    private Rows logSums;
    private Rows dOut;
    private Rows dq;
    private Rows dk;
    private Rows dv;

    /// Scratch of one worker. Rows have the head's size rounded up to whole panels; what is behind it stays zero.
    private static final class Tile {
        int padded;
        /// `[key panel][headDim][PANEL]`.
        float[] keyPanels = {};
        float[] valuePanels = {};
        float[] keys = {};
        float[] values = {};
        float[] dKeys = {};
        float[] dValues = {};
        float[] scores = {};
        float[] dScores = {};
        float[] queries = {};
        float[] dOut = {};
        float[] result = {};
        final float[] lanes = new float[COUNT];

        void grow(int rows, int stride) {
            if (padded != stride) {
                padded = stride;
                queries = new float[BLOCK * stride];
                dOut = new float[BLOCK * stride];
                result = new float[BLOCK * stride];
                keys = new float[0];
            }
            if (keys.length < rows * stride) {
                int keyRows = PanelProduct.padded(rows);
                keyPanels = new float[keyRows * stride];
                valuePanels = new float[keyRows * stride];
                keys = new float[rows * stride];
                values = new float[rows * stride];
                dKeys = new float[rows * stride];
                dValues = new float[rows * stride];
                scores = new float[BLOCK * keyRows];
                dScores = new float[BLOCK * keyRows];
            }
        }
    }

    TrainingAttention(WorkerPool pool) {
        this.pool = pool;
        tiles = new Tile[pool.threads()];
        Arrays.setAll(tiles, i -> new Tile());
    }

    void attend(Rows queries, Rows keys, Rows values, int headDim, int[] sampleBounds, Rows result, Rows sums) {
        q = queries;
        k = keys;
        v = values;
        dim = headDim;
        padded = PanelProduct.padded(headDim);
        bounds = sampleBounds;
        out = result;
        logSums = sums;
        pool.run((bounds.length - 1) * (k.cols() / dim), forwardTask);
    }

    void attendBackward(
            Rows queries,
            Rows keys,
            Rows values,
            int headDim,
            int[] sampleBounds,
            Rows result,
            Rows sums,
            Rows dResult,
            Rows dQueries,
            Rows dKeys,
            Rows dValues) {
        q = queries;
        k = keys;
        v = values;
        dim = headDim;
        padded = PanelProduct.padded(headDim);
        bounds = sampleBounds;
        out = result;
        logSums = sums;
        dOut = dResult;
        dq = dQueries;
        dk = dKeys;
        dv = dValues;
        pool.run((bounds.length - 1) * (k.cols() / dim), backwardTask);
    }

    private void forward(int task, int worker) {
        int kvHeads = k.cols() / dim;
        int kvHead = task % kvHeads;
        int first = bounds[task / kvHeads];
        int rows = bounds[task / kvHeads + 1] - first;
        int group = q.cols() / k.cols();
        Tile tile = tiles[worker];
        tile.grow(rows, padded);
        load(v, first, rows, kvHead, tile.values);
        load(k, first, rows, kvHead, tile.keys);
        toPanels(tile.keys, rows, tile.keyPanels);
        for (int head = kvHead * group; head < (kvHead + 1) * group; head++) {
            for (int from = 0; from < rows; from += BLOCK) {
                forwardBlock(tile, first, from, Math.min(BLOCK, rows - from), head);
            }
        }
    }

    private void forwardBlock(Tile tile, int first, int from, int count, int head) {
        int keys = from + count;
        int stride = PanelProduct.padded(keys);
        load(q, first + from, count, head, tile.queries);
        times(tile.queries, tile.keyPanels, count, stride, tile.scores);
        float scale = (float) (1 / Math.sqrt(dim));
        Arrays.fill(tile.result, 0, count * padded, 0);
        for (int i = 0; i < count; i++) {
            float max = maximum(tile.scores, i * stride, from + i + 1) * scale;
            float total = exponentials(tile.scores, i * stride, from + i + 1, stride, scale, max, tile.lanes);
            float factor = 1 / total;
            for (int t = i * stride; t < (i + 1) * stride; t++) {
                tile.scores[t] *= factor;
            }
            logSums.set(first + from + i, head, (float) (max + Math.log(total)));
        }
        PanelProduct.multiplyAdd(
                count, padded, keys, tile.scores, 0, stride, 1, tile.values, 0, padded, PANEL, tile.result, 0, padded);
        store(tile.result, out, first + from, count, head);
    }

    private void backward(int task, int worker) {
        int kvHeads = k.cols() / dim;
        int kvHead = task % kvHeads;
        int first = bounds[task / kvHeads];
        int rows = bounds[task / kvHeads + 1] - first;
        int group = q.cols() / k.cols();
        Tile tile = tiles[worker];
        tile.grow(rows, padded);
        load(v, first, rows, kvHead, tile.values);
        toPanels(tile.values, rows, tile.valuePanels);
        load(k, first, rows, kvHead, tile.keys);
        toPanels(tile.keys, rows, tile.keyPanels);
        Arrays.fill(tile.dKeys, 0, rows * padded, 0);
        Arrays.fill(tile.dValues, 0, rows * padded, 0);
        for (int head = kvHead * group; head < (kvHead + 1) * group; head++) {
            for (int from = 0; from < rows; from += BLOCK) {
                backwardBlock(tile, first, from, Math.min(BLOCK, rows - from), head);
            }
        }
        store(tile.dKeys, dk, first, rows, kvHead);
        store(tile.dValues, dv, first, rows, kvHead);
    }

    private void backwardBlock(Tile tile, int first, int from, int count, int head) {
        int keys = from + count;
        int stride = PanelProduct.padded(keys);
        float scale = (float) (1 / Math.sqrt(dim));
        load(q, first + from, count, head, tile.queries);
        load(dOut, first + from, count, head, tile.dOut);
        load(out, first + from, count, head, tile.result);
        times(tile.queries, tile.keyPanels, count, stride, tile.scores);
        times(tile.dOut, tile.valuePanels, count, stride, tile.dScores);
        for (int i = 0; i < count; i++) {
            float delta = 0;
            for (int j = i * padded; j < i * padded + dim; j++) {
                delta += tile.dOut[j] * tile.result[j];
            }
            float logSum = logSums.get(first + from + i, head);
            exponentials(tile.scores, i * stride, from + i + 1, stride, scale, logSum, tile.lanes);
            scoreGradients(tile.scores, tile.dScores, i * stride, stride, delta, scale);
        }
        // dV += Pᵀ · dOut, dK += dSᵀ · Q, dQ = dS · K
        PanelProduct.multiplyAdd(
                keys, padded, count, tile.scores, 0, 1, stride, tile.dOut, 0, padded, PANEL, tile.dValues, 0, padded);
        PanelProduct.multiplyAdd(
                keys, padded, count, tile.dScores, 0, 1, stride, tile.queries, 0, padded, PANEL, tile.dKeys, 0, padded);
        Arrays.fill(tile.result, 0, count * padded, 0);
        PanelProduct.multiplyAdd(
                count, padded, keys, tile.dScores, 0, stride, 1, tile.keys, 0, padded, PANEL, tile.result, 0, padded);
        store(tile.result, dq, first + from, count, head);
    }

    /// `result[count, stride] = rows · panels`, one column for each of the first `stride` keys.
    private void times(float[] rows, float[] panels, int count, int stride, float[] result) {
        Arrays.fill(result, 0, count * stride, 0);
        PanelProduct.multiplyAdd(
                count, stride, dim, rows, 0, padded, 1, panels, 0, PANEL, PANEL * dim, result, 0, stride);
    }

    private static float maximum(float[] scores, int at, int count) {
        int whole = count / COUNT * COUNT;
        FloatVector maxima = FloatVector.broadcast(FLOATS, Float.NEGATIVE_INFINITY);
        for (int i = at; i < at + whole; i += COUNT) {
            maxima = maxima.max(FloatVector.fromArray(FLOATS, scores, i));
        }
        float max = maxima.reduceLanes(VectorOperators.MAX);
        for (int i = at + whole; i < at + count; i++) {
            max = Math.max(max, scores[i]);
        }
        return max;
    }

    /// `scores = e^(scale · scores − shift)` for the first `count`, 0 for the others; returns their sum.
    private static float exponentials(
            float[] scores, int at, int count, int stride, float scale, float shift, float[] lanes) {
        // What is masked becomes 0 afterwards; the clamped exponential keeps it finite until then.
        int end = Math.ceilDiv(count, COUNT) * COUNT;
        for (int i = at; i < at + end; i += COUNT) {
            Lanes.exp(FloatVector.fromArray(FLOATS, scores, i).mul(scale).sub(shift))
                    .intoArray(scores, i);
        }
        Arrays.fill(scores, at + count, at + stride, 0);
        FloatVector sum = FloatVector.zero(FLOATS);
        for (int i = at; i < at + end; i += COUNT) {
            sum = sum.add(FloatVector.fromArray(FLOATS, scores, i));
        }
        sum.intoArray(lanes, 0);
        return Lanes.sum(lanes, 0);
    }

    /// `dScores = p · (dScores − delta) · scale`.
    private static void scoreGradients(float[] p, float[] dScores, int at, int stride, float delta, float scale) {
        for (int i = at; i < at + stride; i++) {
            dScores[i] = p[i] * (dScores[i] - delta) * scale;
        }
    }

    /// Copies a head of `count` rows, by registers: a call of the library takes longer than a copy of so few bytes.
    private void load(Rows from, int first, int count, int head, float[] to) {
        MemorySegment data = from.data();
        int whole = dim / COUNT * COUNT;
        for (int i = 0; i < count; i++) {
            long at = from.offset(first + i) + (long) head * dim * Float.BYTES;
            for (int j = 0; j < whole; j += COUNT) {
                FloatVector.fromMemorySegment(FLOATS, data, at + j * 4L, NATIVE).intoArray(to, i * padded + j);
            }
            for (int j = whole; j < dim; j++) {
                to[i * padded + j] = data.get(Rows.FLOAT, at + j * 4L);
            }
        }
    }

    private void store(float[] from, Rows to, int first, int count, int head) {
        MemorySegment data = to.data();
        int whole = dim / COUNT * COUNT;
        for (int i = 0; i < count; i++) {
            long at = to.offset(first + i) + (long) head * dim * Float.BYTES;
            for (int j = 0; j < whole; j += COUNT) {
                FloatVector.fromArray(FLOATS, from, i * padded + j).intoMemorySegment(data, at + j * 4L, NATIVE);
            }
            for (int j = whole; j < dim; j++) {
                data.set(Rows.FLOAT, at + j * 4L, from[i * padded + j]);
            }
        }
    }

    /// Transposes rows into panels of keys; zeros for keys that only fill the last panel.
    private void toPanels(float[] rows, int count, float[] panels) {
        for (int row = 0; row < PanelProduct.padded(count); row++) {
            int at = row / PANEL * PANEL * dim + row % PANEL;
            for (int i = 0; i < dim; i++) {
                panels[at + i * PANEL] = row < count ? rows[row * padded + i] : 0;
            }
        }
    }
}
