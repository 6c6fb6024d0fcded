package io.github.mixtral4j.kernel;

import static io.github.mixtral4j.kernel.Lanes.COUNT;
import static io.github.mixtral4j.kernel.Lanes.FLOATS;
import static io.github.mixtral4j.kernel.Lanes.NATIVE;

import io.github.mixtral4j.tensor.Rows;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/// The training loops on the Java Vector API.
final class VectorTrainingOps implements TrainingOps {
    private final WorkerPool pool;
    private final TrainingAttention attention;
    private final float[][] lanes;
    private float[] rowScales = {};

    VectorTrainingOps(WorkerPool pool) {
        this.pool = pool;
        attention = new TrainingAttention(pool);
        lanes = new float[pool.threads()][2 * COUNT];
    }

    @Override
    public void parallel(int count, WorkerPool.Task task) {
        pool.run(count, task);
    }

    @Override
    public void rmsNormBackward(Rows x, Rows weight, float eps, Rows dy, Rows dx, Rows dWeight) {
        if (rowScales.length < x.count()) {
            rowScales = new float[x.count()];
        }
        float[] scales = rowScales;
        pool.run(x.count(), (row, worker) -> scales[row] = normBackward(x, weight, eps, dy, dx, row, lanes[worker]));
        // The gradient of the weight sums over rows: a task has one register of columns and goes down the rows.
        pool.run(Math.ceilDiv(x.cols(), COUNT), (task, worker) -> {
            int column = task * COUNT;
            if (column + COUNT <= x.cols()) {
                addWeightGradient(x, dy, scales, column, dWeight);
            } else {
                for (int i = column; i < x.cols(); i++) {
                    float sum = 0;
                    for (int row = 0; row < x.count(); row++) {
                        sum += dy.get(row, i) * x.get(row, i) * scales[row];
                    }
                    dWeight.set(0, i, dWeight.get(0, i) + sum);
                }
            }
        });
    }

    private static float normBackward(Rows x, Rows weight, float eps, Rows dy, Rows dx, int row, float[] lanes) {
        int cols = x.cols();
        int whole = cols / COUNT * COUNT;
        MemorySegment xs = x.data();
        MemorySegment ws = weight.data();
        MemorySegment dys = dy.data();
        MemorySegment dxs = dx.data();
        long at = x.offset(row);
        long dyAt = dy.offset(row);
        long dxAt = dx.offset(row);
        long weightAt = weight.offset(0);
        FloatVector squares = FloatVector.zero(FLOATS);
        FloatVector products = FloatVector.zero(FLOATS);
        for (int i = 0; i < whole; i += COUNT) {
            FloatVector v = FloatVector.fromMemorySegment(FLOATS, xs, at + i * 4L, NATIVE);
            squares = v.fma(v, squares);
            products = FloatVector.fromMemorySegment(FLOATS, dys, dyAt + i * 4L, NATIVE)
                    .mul(FloatVector.fromMemorySegment(FLOATS, ws, weightAt + i * 4L, NATIVE))
                    .fma(v, products);
        }
        squares.intoArray(lanes, 0);
        products.intoArray(lanes, COUNT);
        double square = Lanes.sum(lanes, 0);
        double dot = Lanes.sum(lanes, COUNT);
        for (int i = whole; i < cols; i++) {
            square += (double) x.get(row, i) * x.get(row, i);
            dot += (double) dy.get(row, i) * weight.get(0, i) * x.get(row, i);
        }
        double scale = 1 / Math.sqrt(square / cols + eps);
        float s = (float) scale;
        float back = (float) (scale * scale * scale / cols * dot);
        for (int i = 0; i < whole; i += COUNT) {
            FloatVector d = FloatVector.fromMemorySegment(FLOATS, dys, dyAt + i * 4L, NATIVE)
                    .mul(FloatVector.fromMemorySegment(FLOATS, ws, weightAt + i * 4L, NATIVE))
                    .mul(s)
                    .sub(FloatVector.fromMemorySegment(FLOATS, xs, at + i * 4L, NATIVE)
                            .mul(back));
            FloatVector.fromMemorySegment(FLOATS, dxs, dxAt + i * 4L, NATIVE)
                    .add(d)
                    .intoMemorySegment(dxs, dxAt + i * 4L, NATIVE);
        }
        for (int i = whole; i < cols; i++) {
            dx.set(row, i, dx.get(row, i) + (dy.get(row, i) * weight.get(0, i) * s - x.get(row, i) * back));
        }
        return s;
    }

    private static void addWeightGradient(Rows x, Rows dy, float[] scales, int column, Rows dWeight) {
        MemorySegment xs = x.data();
        MemorySegment dys = dy.data();
        FloatVector sum = FloatVector.zero(FLOATS);
        for (int row = 0; row < x.count(); row++) {
            long at = x.offset(row) + column * 4L;
            sum = FloatVector.fromMemorySegment(FLOATS, xs, at, NATIVE)
                    .mul(scales[row])
                    .fma(FloatVector.fromMemorySegment(FLOATS, dys, dy.offset(row) + column * 4L, NATIVE), sum);
        }
        long to = dWeight.offset(0) + column * 4L;
        FloatVector.fromMemorySegment(FLOATS, dWeight.data(), to, NATIVE)
                .add(sum)
                .intoMemorySegment(dWeight.data(), to, NATIVE);
    }

    @Override
    public void swiglu(Rows gate, Rows up, float[] scales, Rows out) {
        pool.run(gate.count(), (row, worker) -> swiglu(gate, up, scales[row], out, row));
    }

    private static void swiglu(Rows gate, Rows up, float scale, Rows out, int row) {
        MemorySegment gates = gate.data();
        MemorySegment ups = up.data();
        MemorySegment outs = out.data();
        int cols = gate.cols();
        long at = gate.offset(row);
        long upAt = up.offset(row);
        long outAt = out.offset(row);
        int i = 0;
        for (; i <= cols - COUNT; i += COUNT) {
            FloatVector z = FloatVector.fromMemorySegment(FLOATS, gates, at + i * 4L, NATIVE);
            z.mul(scale)
                    .div(Lanes.exp(z.neg()).add(1f))
                    .mul(FloatVector.fromMemorySegment(FLOATS, ups, upAt + i * 4L, NATIVE))
                    .intoMemorySegment(outs, outAt + i * 4L, NATIVE);
        }
        for (; i < cols; i++) {
            float z = gate.get(row, i);
            out.set(row, i, (float) (scale * z / (1 + Math.exp(-z))) * up.get(row, i));
        }
    }

    @Override
    public void swigluBackward(Rows gate, Rows up, Rows dOut, float[] scales, float[] dScales) {
        pool.run(
                gate.count(),
                (row, worker) -> dScales[row] = swigluBackward(gate, up, dOut, row, scales[row], lanes[worker]));
    }

    private static float swigluBackward(Rows gate, Rows up, Rows dOut, int row, float scale, float[] lanes) {
        MemorySegment gates = gate.data();
        MemorySegment ups = up.data();
        MemorySegment douts = dOut.data();
        int cols = gate.cols();
        long at = gate.offset(row);
        long upAt = up.offset(row);
        long dOutAt = dOut.offset(row);
        FloatVector sums = FloatVector.zero(FLOATS);
        int i = 0;
        for (; i <= cols - COUNT; i += COUNT) {
            FloatVector z = FloatVector.fromMemorySegment(FLOATS, gates, at + i * 4L, NATIVE);
            FloatVector u = FloatVector.fromMemorySegment(FLOATS, ups, upAt + i * 4L, NATIVE);
            FloatVector d = FloatVector.fromMemorySegment(FLOATS, douts, dOutAt + i * 4L, NATIVE);
            FloatVector sigmoid =
                    FloatVector.broadcast(FLOATS, 1f).div(Lanes.exp(z.neg()).add(1f));
            FloatVector silu = z.mul(sigmoid);
            sums = d.fma(silu.mul(u), sums);
            FloatVector scaled = d.mul(scale);
            // silu' = sigmoid + silu · (1 − sigmoid)
            scaled.mul(u).mul(sigmoid.add(silu.sub(silu.mul(sigmoid)))).intoMemorySegment(gates, at + i * 4L, NATIVE);
            scaled.mul(silu).intoMemorySegment(ups, upAt + i * 4L, NATIVE);
        }
        sums.intoArray(lanes, 0);
        float sum = Lanes.sum(lanes, 0);
        for (; i < cols; i++) {
            float z = gate.get(row, i);
            float u = up.get(row, i);
            float d = dOut.get(row, i);
            float sigmoid = (float) (1 / (1 + Math.exp(-z)));
            sum += d * z * sigmoid * u;
            gate.set(row, i, scale * d * u * (sigmoid + z * sigmoid * (1 - sigmoid)));
            up.set(row, i, scale * d * z * sigmoid);
        }
        return sum;
    }

    @Override
    public void sumRows(Rows values, int[] slots, int perRow, Rows out) {
        pool.run(out.count(), (row, worker) -> {
            MemorySegment.copy(
                    values.data(), values.offset(slots[row * perRow]), out.data(), out.offset(row), out.rowBytes());
            for (int k = 1; k < perRow; k++) {
                addRow(values, slots[row * perRow + k], out, row);
            }
        });
    }

    private static void addRow(Rows values, int from, Rows out, int row) {
        MemorySegment in = values.data();
        MemorySegment to = out.data();
        long source = values.offset(from);
        long target = out.offset(row);
        int i = 0;
        for (; i <= out.cols() - COUNT; i += COUNT) {
            FloatVector.fromMemorySegment(FLOATS, to, target + i * 4L, NATIVE)
                    .add(FloatVector.fromMemorySegment(FLOATS, in, source + i * 4L, NATIVE))
                    .intoMemorySegment(to, target + i * 4L, NATIVE);
        }
        for (; i < out.cols(); i++) {
            out.set(row, i, out.get(row, i) + values.get(from, i));
        }
    }

    @Override
    public void crossEntropy(Rows logits, int[] targets, float[] weights, float[] logProbs) {
        pool.run(
                logits.count(),
                (row, worker) -> logProbs[row] = crossEntropy(logits, row, targets[row], weights[row], lanes[worker]));
    }

    private static float crossEntropy(Rows logits, int row, int target, float weight, float[] lanes) {
        MemorySegment data = logits.data();
        int cols = logits.cols();
        int whole = cols / COUNT * COUNT;
        long at = logits.offset(row);
        FloatVector maxima = FloatVector.broadcast(FLOATS, Float.NEGATIVE_INFINITY);
        for (int i = 0; i < whole; i += COUNT) {
            maxima = maxima.max(FloatVector.fromMemorySegment(FLOATS, data, at + i * 4L, NATIVE));
        }
        float max = maxima.reduceLanes(VectorOperators.MAX);
        for (int i = whole; i < cols; i++) {
            max = Math.max(max, logits.get(row, i));
        }
        float chosen = logits.get(row, target) - max;
        FloatVector sums = FloatVector.zero(FLOATS);
        for (int i = 0; i < whole; i += COUNT) {
            FloatVector p = Lanes.exp(FloatVector.fromMemorySegment(FLOATS, data, at + i * 4L, NATIVE)
                    .sub(max));
            p.intoMemorySegment(data, at + i * 4L, NATIVE);
            sums = sums.add(p);
        }
        sums.intoArray(lanes, 0);
        double total = Lanes.sum(lanes, 0);
        for (int i = whole; i < cols; i++) {
            double p = Math.exp(logits.get(row, i) - max);
            logits.set(row, i, (float) p);
            total += p;
        }
        float factor = (float) (weight / total);
        for (int i = 0; i < whole; i += COUNT) {
            FloatVector.fromMemorySegment(FLOATS, data, at + i * 4L, NATIVE)
                    .mul(factor)
                    .intoMemorySegment(data, at + i * 4L, NATIVE);
        }
        for (int i = whole; i < cols; i++) {
            logits.set(row, i, logits.get(row, i) * factor);
        }
        logits.set(row, target, logits.get(row, target) - weight);
        return (float) (chosen - Math.log(total));
    }

    @Override
    public void attend(Rows q, Rows k, Rows v, int headDim, int[] bounds, Rows out, Rows logSums) {
        attention.attend(q, k, v, headDim, bounds, out, logSums);
    }

    @Override
    public void attendBackward(
            Rows q,
            Rows k,
            Rows v,
            int headDim,
            int[] bounds,
            Rows out,
            Rows logSums,
            Rows dOut,
            Rows dq,
            Rows dk,
            Rows dv) {
        attention.attendBackward(q, k, v, headDim, bounds, out, logSums, dOut, dq, dk, dv);
    }

    @Override
    public void adamW(Rows value, Rows gradient, Rows mean, Rows square, AdamStep step) {
        VectorOptimizer.adamW(value, gradient, mean, square, step);
    }

    @Override
    public double squaredNorm(Rows x) {
        return VectorOptimizer.squaredNorm(x);
    }

    @Override
    public void toBfloat16(Rows x, MemorySegment out) {
        VectorOptimizer.toBfloat16(x, out);
    }
}
