package io.github.mixtral4j.kernel;

import static io.github.mixtral4j.kernel.Lanes.COUNT;
import static io.github.mixtral4j.kernel.Lanes.FLOATS;
import static io.github.mixtral4j.kernel.Lanes.NATIVE;

import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/// The operations that treat every row by itself; a task is a row. Fields carry the arguments of the one operation in
/// progress, because a captured lambda would be an allocation per call.
@SuppressWarnings("NullAway.Init")
final class VectorRowOps {
    private final WorkerPool pool;
    private final WorkerPool.Task embedTask = this::embedRow;
    private final WorkerPool.Task normTask = this::normRow;
    private final WorkerPool.Task swigluTask = this::swigluRow;
    private final WorkerPool.Task addTask = this::addRow;
    private final float[][] embedded;
    private final float[][] lanes;
    private Tensor table;
    private VectorFormat format;
    private int[] ids;
    private Rows a;
    private Rows b;
    private Rows out;
    private float eps;

    VectorRowOps(WorkerPool pool) {
        this.pool = pool;
        embedded = new float[pool.threads()][];
        lanes = new float[pool.threads()][COUNT];
    }

    void embed(Tensor ofTable, VectorFormat tableFormat, int[] tokens, Rows result) {
        table = ofTable;
        format = tableFormat;
        ids = tokens;
        out = result;
        pool.run(out.count(), embedTask);
    }

    private void embedRow(int row, int worker) {
        int cols = table.cols();
        float[] values = embedded[worker];
        if (values == null || values.length < cols) {
            values = new float[cols];
            embedded[worker] = values;
        }
        format.expand(table.data(), ids[row] * table.rowBytes(), cols, values, 0);
        MemorySegment.copy(values, 0, out.data(), Rows.FLOAT, out.offset(row), cols);
    }

    void rmsNorm(Rows x, Rows weight, float epsilon, Rows y) {
        a = x;
        b = weight;
        eps = epsilon;
        out = y;
        pool.run(x.count(), normTask);
    }

    private void normRow(int row, int worker) {
        MemorySegment x = a.data();
        MemorySegment weight = b.data();
        MemorySegment y = out.data();
        int cols = a.cols();
        long at = a.offset(row);
        long weights = b.offset(0);
        long to = out.offset(row);
        float scale = (float) (1 / Math.sqrt(Lanes.squares(x, at, cols, lanes[worker]) / cols + eps));
        int i = 0;
        for (; i <= cols - COUNT; i += COUNT) {
            FloatVector.fromMemorySegment(FLOATS, x, at + i * 4L, NATIVE)
                    .mul(scale)
                    .mul(FloatVector.fromMemorySegment(FLOATS, weight, weights + i * 4L, NATIVE))
                    .intoMemorySegment(y, to + i * 4L, NATIVE);
        }
        for (; i < cols; i++) {
            out.set(row, i, a.get(row, i) * scale * b.get(0, i));
        }
    }

    void swiglu(Rows gate, Rows up) {
        a = gate;
        b = up;
        pool.run(gate.count(), swigluTask);
    }

    private void swigluRow(int row, int worker) {
        MemorySegment gate = a.data();
        MemorySegment up = b.data();
        int cols = a.cols();
        long at = a.offset(row);
        long other = b.offset(row);
        int i = 0;
        for (; i <= cols - COUNT; i += COUNT) {
            FloatVector z = FloatVector.fromMemorySegment(FLOATS, gate, at + i * 4L, NATIVE);
            z.div(Lanes.exp(z.neg()).add(1f))
                    .mul(FloatVector.fromMemorySegment(FLOATS, up, other + i * 4L, NATIVE))
                    .intoMemorySegment(gate, at + i * 4L, NATIVE);
        }
        for (; i < cols; i++) {
            float z = a.get(row, i);
            a.set(row, i, (float) (z / (1 + Math.exp(-z))) * b.get(row, i));
        }
    }

    void add(Rows x, Rows y) {
        a = x;
        b = y;
        pool.run(x.count(), addTask);
    }

    private void addRow(int row, int worker) {
        MemorySegment x = a.data();
        MemorySegment y = b.data();
        int cols = a.cols();
        long at = a.offset(row);
        long other = b.offset(row);
        int i = 0;
        for (; i <= cols - COUNT; i += COUNT) {
            FloatVector.fromMemorySegment(FLOATS, x, at + i * 4L, NATIVE)
                    .add(FloatVector.fromMemorySegment(FLOATS, y, other + i * 4L, NATIVE))
                    .intoMemorySegment(x, at + i * 4L, NATIVE);
        }
        for (; i < cols; i++) {
            a.set(row, i, a.get(row, i) + b.get(row, i));
        }
    }
}
