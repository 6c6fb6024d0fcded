package io.github.mixtral4j.kernel;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Products by the functions of a [NativeLevel]: all tasks of all products in one parallel loop, so that threads wait
/// for each other once and not after every matrix. This class owns the memory for prepared activations.
final class NativeMatmul implements AutoCloseable {
    /// Groups of activations up to which preparing them takes no longer than starting a parallel loop.
    private static final int FEW_GROUPS = 2;

    private final NativeLevel level;
    private final WorkerPool pool;
    private final Scratch prepared = new Scratch();
    private final Scratch[] temporary;
    private final WorkerPool.Task prepareTask = this::prepare;
    private final WorkerPool.Task multiplyTask = this::multiply;
    private final List<NativeProduct> products = new ArrayList<>();
    private int size;
    /// The first task of each product and, at the end, the number of tasks: of preparing and of multiplying.
    private int[] firstGroup = {0};
    private int[] firstTile = {0};
    private long temporaryBytes;

    NativeMatmul(NativeLevel level, WorkerPool pool) {
        this.level = level;
        this.pool = pool;
        temporary = new Scratch[pool.threads()];
        Arrays.setAll(temporary, worker -> new Scratch());
    }

    void multiply(Products list, Precision precision) {
        plan(list, precision);
        int groups = firstGroup[size];
        if (groups <= FEW_GROUPS) {
            for (int group = 0; group < groups; group++) {
                prepare(group, 0);
            }
        } else {
            pool.run(groups, prepareTask);
        }
        pool.run(firstTile[size], multiplyTask);
    }

    private void plan(Products list, Precision precision) {
        size = list.size();
        while (products.size() < size) {
            products.add(new NativeProduct(level));
        }
        if (firstGroup.length <= size) {
            firstGroup = new int[size + 1];
            firstTile = new int[size + 1];
        }
        long bytes = 0;
        temporaryBytes = 0;
        for (int i = 0; i < size; i++) {
            NativeProduct product = products.get(i);
            product.set(list.w(i), list.x(i), list.y(i), precision);
            boolean shares = i > 0 && product.sharesActivations(products.get(i - 1));
            product.preparedAt(shares ? products.get(i - 1).prepared() : bytes);
            bytes += shares ? 0 : product.preparedBytes();
            firstGroup[i + 1] = firstGroup[i] + (shares ? 0 : product.groups());
            firstTile[i + 1] = firstTile[i] + product.tiles();
            temporaryBytes = Math.max(temporaryBytes, product.temporaryBytes());
        }
        long start = prepared.bytes(bytes).address();
        for (int i = 0; i < size; i++) {
            products.get(i).preparedAt(start + products.get(i).prepared());
        }
    }

    private void prepare(int task, int worker) {
        int i = owner(firstGroup, task);
        products.get(i).prepare(task - firstGroup[i]);
    }

    private void multiply(int task, int worker) {
        int i = owner(firstTile, task);
        products.get(i)
                .multiply(
                        task - firstTile[i],
                        temporary[worker].bytes(temporaryBytes).address());
    }

    /// The product that a task belongs to: the last that starts at or before it and has tasks.
    private int owner(int[] first, int task) {
        int i = 0;
        while (first[i + 1] <= task) {
            i++;
        }
        return i;
    }

    @Override
    public void close() {
        prepared.close();
        for (Scratch scratch : temporary) {
            scratch.close();
        }
    }
}
