package io.github.mixtral4j.kernel;

import io.github.mixtral4j.kernel.BackwardProduct.OfInput;
import io.github.mixtral4j.kernel.BackwardProduct.OfWeights;
import io.github.mixtral4j.quant.BlockCodec;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/// The oracle: every operation as its formula reads, sums in float64, weights through [BlockCodec].
public final class ScalarKernels implements Kernels {
    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED;

    private final WorkerPool pool;
    private final TrainingOps training;

    /// Starts `threads - 1` worker threads.
    public ScalarKernels(int threads) {
        pool = new WorkerPool(threads);
        training = new ScalarTrainingOps(pool);
    }

    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public String description() {
        return "scalar, " + threads() + (threads() == 1 ? " thread" : " threads");
    }

    @Override
    public int threads() {
        return pool.threads();
    }

    @Override
    public void embed(Tensor table, int[] ids, Rows out) {
        BlockCodec codec = BlockCodec.of(table.dtype());
        pool.run(out.count(), (row, worker) -> {
            float[] values = new float[table.cols()];
            codec.decode(table.data(), ids[row] * table.rowBytes(), values, 0, values.length);
            MemorySegment.copy(values, 0, out.data(), Rows.FLOAT, out.offset(row), values.length);
        });
    }

    @Override
    public void matmul(Tensor w, Rows x, Rows y) {
        assert w.cols() == x.cols() && w.rows() == y.cols() && x.count() == y.count();
        BlockCodec codec = BlockCodec.of(w.dtype());
        int k = w.cols();
        pool.run(w.rows(), (n, worker) -> {
            float[] weights = new float[k];
            codec.decode(w.data(), n * w.rowBytes(), weights, 0, k);
            for (int row = 0; row < x.count(); row++) {
                double sum = 0;
                for (int i = 0; i < k; i++) {
                    sum += (double) weights[i] * x.get(row, i);
                }
                y.set(row, n, (float) sum);
            }
        });
    }

    @Override
    public void backward(List<BackwardProduct> products) {
        for (BackwardProduct product : products) {
            switch (product) {
                case OfInput(Tensor w, Rows dy, Rows dx) -> backwardToInput(w, dy, dx);
                case OfWeights(Rows dy, Rows x, DType _, Rows dw) -> backwardToWeights(dy, x, dw);
            }
        }
    }

    private void backwardToInput(Tensor w, Rows dy, Rows dx) {
        BlockCodec codec = BlockCodec.of(w.dtype());
        int k = w.cols();
        pool.run(dy.count(), (row, worker) -> {
            float[] weights = new float[k];
            double[] sums = new double[k];
            for (int n = 0; n < w.rows(); n++) {
                codec.decode(w.data(), n * w.rowBytes(), weights, 0, k);
                for (int i = 0; i < k; i++) {
                    sums[i] += (double) dy.get(row, n) * weights[i];
                }
            }
            for (int i = 0; i < k; i++) {
                dx.set(row, i, (float) sums[i]);
            }
        });
    }

    private void backwardToWeights(Rows dy, Rows x, Rows dw) {
        pool.run(dw.count(), (n, worker) -> {
            for (int i = 0; i < dw.cols(); i++) {
                double sum = dw.get(n, i);
                for (int row = 0; row < dy.count(); row++) {
                    sum += (double) dy.get(row, n) * x.get(row, i);
                }
                dw.set(n, i, (float) sum);
            }
        });
    }

    @Override
    public TrainingOps training() {
        return training;
    }

    @Override
    public void rmsNorm(Rows x, Rows weight, float eps, Rows y) {
        pool.run(x.count(), (row, worker) -> {
            double squares = 0;
            for (int i = 0; i < x.cols(); i++) {
                squares += (double) x.get(row, i) * x.get(row, i);
            }
            double scale = 1 / Math.sqrt(squares / x.cols() + eps);
            for (int i = 0; i < x.cols(); i++) {
                y.set(row, i, (float) (x.get(row, i) * scale) * weight.get(0, i));
            }
        });
    }

    @Override
    public void swiglu(Rows gate, Rows up) {
        pool.run(gate.count(), (row, worker) -> {
            for (int i = 0; i < gate.cols(); i++) {
                double z = gate.get(row, i);
                gate.set(row, i, (float) (z / (1 + Math.exp(-z)) * up.get(row, i)));
            }
        });
    }

    @Override
    public void add(Rows x, Rows y) {
        pool.run(x.count(), (row, worker) -> {
            for (int i = 0; i < x.cols(); i++) {
                x.set(row, i, x.get(row, i) + y.get(row, i));
            }
        });
    }

    @Override
    public void attend(Rows q, PagedKv kv, int layer, int[] positions, int[] sequences, Rows out) {
        int group = kv.numHeads() / kv.numKvHeads();
        int dim = kv.headDim();
        pool.run(q.count() * kv.numHeads(), (task, worker) -> {
            int row = task / kv.numHeads();
            int head = task % kv.numHeads();
            int tokens = positions[row] + 1;
            double[] scores = new double[tokens];
            double max = Double.NEGATIVE_INFINITY;
            for (int t = 0; t < tokens; t++) {
                MemorySegment page = kv.page(sequences[row], t / PagedKv.PAGE_TOKENS);
                long keys = kv.keyOffset(layer, head / group);
                double dot = 0;
                for (int i = 0; i < dim; i++) {
                    long index = (long) i * PagedKv.PAGE_TOKENS + t % PagedKv.PAGE_TOKENS;
                    long scale = (long) i / 32 * PagedKv.PAGE_TOKENS + t % PagedKv.PAGE_TOKENS;
                    dot += (double) q.get(row, head * dim + i) * element(page, keys, kv, index, scale);
                }
                scores[t] = dot / Math.sqrt(dim);
                max = Math.max(max, scores[t]);
            }
            double total = 0;
            double[] sum = new double[dim];
            for (int t = 0; t < tokens; t++) {
                MemorySegment page = kv.page(sequences[row], t / PagedKv.PAGE_TOKENS);
                long values = kv.valueOffset(layer, head / group);
                double p = Math.exp(scores[t] - max);
                total += p;
                for (int i = 0; i < dim; i++) {
                    long index = (long) (t % PagedKv.PAGE_TOKENS) * dim + i;
                    sum[i] += p * element(page, values, kv, index, index / 32);
                }
            }
            for (int i = 0; i < dim; i++) {
                out.set(row, head * dim + i, (float) (sum[i] / total));
            }
        });
    }

    /// One of the keys or values that begin at `offset`; the one with index `scale` of its scales, in Q8_0.
    private static float element(MemorySegment page, long offset, PagedKv kv, long index, long scale) {
        return switch (kv.type()) {
            case F32 -> page.get(Rows.FLOAT, offset + index * Float.BYTES);
            case F16 -> Float.float16ToFloat(page.get(HALF, offset + index * Short.BYTES));
            case Q8_0 -> {
                long scales = offset + (long) kv.headDim() * PagedKv.PAGE_TOKENS;
                yield page.get(ValueLayout.JAVA_BYTE, offset + index)
                        * Float.float16ToFloat(page.get(HALF, scales + scale * Short.BYTES));
            }
            default -> throw new IllegalArgumentException("keys and values are not cached as " + kv.type());
        };
    }

    @Override
    public void close() {
        pool.close();
    }
}
