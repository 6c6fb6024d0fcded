package io.github.mixtral4j.kernel;

import io.github.mixtral4j.tensor.Rows;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Locale;

/// Causal attention by the functions of a [NativeLevel]. This class cuts the work into the parts of an [AttentionPlan],
/// gives C the addresses of their pages, and owns the scratch memory; a task is one key and value head of a part.
@SuppressWarnings("NullAway.Init") // the arguments of the call in progress
final class NativeAttention implements AutoCloseable {
    private final NativeLevel level;
    private final WorkerPool pool;
    private final AttentionPlan plan = new AttentionPlan();
    private final Scratch states = new Scratch();
    private final Scratch[] temporary;
    private final WorkerPool.Task partTask = this::part;
    private final WorkerPool.Task mergeTask = this::merge;
    private Rows q;
    private Rows out;
    private PagedKv kv;
    private int layer;
    private int[] positions = {};
    private int[] sequences = {};
    private int group;
    /// Bytes of the state of one query.
    private long stateBytes;
    private long statesAt;
    /// Offsets in a worker's scratch memory, which begins with addresses of pages.
    private long ownStates;
    private long ownTemporary;
    private long ownBytes;

    NativeAttention(NativeLevel level, WorkerPool pool) {
        this.level = level;
        this.pool = pool;
        temporary = new Scratch[pool.threads()];
        Arrays.setAll(temporary, worker -> new Scratch());
    }

    void attend(Rows queries, PagedKv cache, int ofLayer, int[] rowPositions, int[] rowSequences, Rows result) {
        NativeProduct.check("q", queries.data());
        NativeProduct.check("out", result.data());
        checkShapes(queries, cache, result);
        q = queries;
        out = result;
        kv = cache;
        layer = ofLayer;
        positions = rowPositions;
        sequences = rowSequences;
        group = kv.numHeads() / kv.numKvHeads();
        plan.cut(q.count(), positions, sequences);

        int most = AttentionPlan.BLOCK_ROWS * group;
        stateBytes = level.attendState(kv.headDim());
        ownStates = Math.ceilDiv(plan.mostPages() * (long) Long.BYTES, 64) * 64;
        ownTemporary = ownStates + most * stateBytes;
        ownBytes = ownTemporary + level.attendTmp(kv.headDim(), most);
        if (plan.slots() > 0) {
            long bytes = (long) plan.slots() * kv.numHeads() * stateBytes;
            // A sequence needs one more slot every few hundred tokens: grow by doubling.
            statesAt = states.bytes(2 * Long.highestOneBit(bytes)).address();
        }
        pool.run(plan.parts() * kv.numKvHeads(), partTask);
        pool.run(plan.merges() * kv.numKvHeads(), mergeTask);
    }

    private static void checkShapes(Rows queries, PagedKv cache, Rows result) {
        int width = cache.numHeads() * cache.headDim();
        if (queries.cols() != width || result.cols() != width || queries.count() != result.count()) {
            throw new IllegalArgumentException(String.format(
                    Locale.ROOT,
                    "expected q and out of [n, %d], as the cache has heads, found [%d, %d] and [%d, %d]",
                    width,
                    queries.count(),
                    queries.cols(),
                    result.count(),
                    result.cols()));
        }
    }

    /// C follows offsets without asking.
    private void checkLayer(MemorySegment page) {
        long end =
                kv.valueOffset(layer, kv.numKvHeads() - 1) + kv.type().bytes((long) kv.headDim() * PagedKv.PAGE_TOKENS);
        if (layer < 0 || end > page.byteSize()) {
            throw new IllegalArgumentException("the cache has no layer " + layer);
        }
    }

    /// Attention of a part to its pages, for one key and value head.
    private void part(int task, int worker) {
        int part = task / kv.numKvHeads();
        int kvHead = task % kv.numKvHeads();
        int row = plan.firstRow(part);
        int rows = plan.rows(part);
        MemorySegment own = temporary[worker].bytes(ownBytes);
        for (int i = 0; i < plan.pages(part); i++) {
            MemorySegment page = kv.page(sequences[row], plan.firstPage(part) + i);
            NativeProduct.check("key/value cache", page);
            checkLayer(page);
            own.setAtIndex(ValueLayout.JAVA_LONG, i, page.address());
        }
        long to = plan.isWhole(part) ? own.address() + ownStates : statesOf(part, kvHead);
        level.attend(
                kv.type().ggmlId(),
                kv.headDim(),
                group,
                rows,
                q.data().address() + headOffset(q, row, kvHead),
                q.cols(),
                positions[row],
                own.address(),
                kv.keyOffset(layer, kvHead),
                kv.valueOffset(layer, kvHead),
                plan.firstPage(part),
                plan.pages(part),
                to,
                own.address() + ownTemporary);
        if (plan.isWhole(part)) {
            finish(part, kvHead, to, 1);
        }
    }

    private void merge(int task, int worker) {
        int merge = task / kv.numKvHeads();
        int kvHead = task % kv.numKvHeads();
        int part = plan.mergePart(merge);
        finish(part, kvHead, statesOf(part, kvHead), plan.mergePieces(merge));
    }

    private void finish(int part, int kvHead, long from, int pieces) {
        int rows = plan.rows(part);
        level.attendMerge(
                kv.headDim(),
                group,
                rows,
                from,
                pieces,
                rows * kv.numHeads() * stateBytes,
                out.data().address() + headOffset(out, plan.firstRow(part), kvHead),
                out.cols());
    }

    /// Address of the states of a part that is to be merged: those of a head stand together.
    private long statesOf(int part, int kvHead) {
        long queries = (long) plan.slot(part) * kv.numHeads() + (long) kvHead * group * plan.rows(part);
        return statesAt + queries * stateBytes;
    }

    private long headOffset(Rows rows, int row, int kvHead) {
        return rows.offset(row) + (long) kvHead * group * kv.headDim() * Float.BYTES;
    }

    @Override
    public void close() {
        states.close();
        for (Scratch scratch : temporary) {
            scratch.close();
        }
    }
}
