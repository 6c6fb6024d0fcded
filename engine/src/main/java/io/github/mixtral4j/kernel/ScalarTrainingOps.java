package io.github.mixtral4j.kernel;

import io.github.mixtral4j.quant.BlockCodec;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import java.lang.foreign.MemorySegment;

/// The oracle of the training loops: as their formulas read, in float64.
final class ScalarTrainingOps implements TrainingOps {
    private final WorkerPool pool;

    ScalarTrainingOps(WorkerPool pool) {
        this.pool = pool;
    }

    @Override
    public void parallel(int count, WorkerPool.Task task) {
        pool.run(count, task);
    }

    @Override
    public void rmsNormBackward(Rows x, Rows weight, float eps, Rows dy, Rows dx, Rows dWeight) {
        int cols = x.cols();
        double[] weightSums = new double[cols];
        for (int row = 0; row < x.count(); row++) {
            double squares = 0;
            double dot = 0;
            for (int i = 0; i < cols; i++) {
                squares += (double) x.get(row, i) * x.get(row, i);
                dot += (double) weight.get(0, i) * dy.get(row, i) * x.get(row, i);
            }
            double s = 1 / Math.sqrt(squares / cols + eps);
            for (int i = 0; i < cols; i++) {
                double d = s * weight.get(0, i) * dy.get(row, i) - x.get(row, i) * s * s * s / cols * dot;
                dx.set(row, i, (float) (dx.get(row, i) + d));
                weightSums[i] += dy.get(row, i) * x.get(row, i) * s;
            }
        }
        for (int i = 0; i < cols; i++) {
            dWeight.set(0, i, (float) (dWeight.get(0, i) + weightSums[i]));
        }
    }

    @Override
    public void swiglu(Rows gate, Rows up, float[] scales, Rows out) {
        for (int row = 0; row < gate.count(); row++) {
            for (int i = 0; i < gate.cols(); i++) {
                double z = gate.get(row, i);
                out.set(row, i, (float) (scales[row] * z / (1 + Math.exp(-z)) * up.get(row, i)));
            }
        }
    }

    @Override
    public void swigluBackward(Rows gate, Rows up, Rows dOut, float[] scales, float[] dScales) {
        for (int row = 0; row < gate.count(); row++) {
            double scale = scales[row];
            double sum = 0;
            for (int i = 0; i < gate.cols(); i++) {
                double z = gate.get(row, i);
                double u = up.get(row, i);
                double d = dOut.get(row, i);
                double sigmoid = 1 / (1 + Math.exp(-z));
                sum += d * z * sigmoid * u;
                gate.set(row, i, (float) (scale * d * u * sigmoid * (1 + z * (1 - sigmoid))));
                up.set(row, i, (float) (scale * d * z * sigmoid));
            }
            dScales[row] = (float) sum;
        }
    }

    @Override
    public void sumRows(Rows values, int[] slots, int perRow, Rows out) {
        for (int row = 0; row < out.count(); row++) {
            for (int i = 0; i < out.cols(); i++) {
                double sum = 0;
                for (int k = row * perRow; k < (row + 1) * perRow; k++) {
                    sum += values.get(slots[k], i);
                }
                out.set(row, i, (float) sum);
            }
        }
    }

    @Override
    public void crossEntropy(Rows logits, int[] targets, float[] weights, float[] logProbs) {
        for (int row = 0; row < logits.count(); row++) {
            double max = Double.NEGATIVE_INFINITY;
            for (int i = 0; i < logits.cols(); i++) {
                max = Math.max(max, logits.get(row, i));
            }
            double total = 0;
            for (int i = 0; i < logits.cols(); i++) {
                total += Math.exp(logits.get(row, i) - max);
            }
            logProbs[row] = (float) (logits.get(row, targets[row]) - max - Math.log(total));
            for (int i = 0; i < logits.cols(); i++) {
                double p = Math.exp(logits.get(row, i) - max) / total;
                logits.set(row, i, (float) (weights[row] * (i == targets[row] ? p - 1 : p)));
            }
        }
    }

    @Override
    public void attend(Rows q, Rows k, Rows v, int headDim, int[] bounds, Rows out, Rows logSums) {
        int heads = q.cols() / headDim;
        int group = q.cols() / k.cols();
        pool.run((bounds.length - 1) * heads, (task, worker) -> {
            int head = task % heads;
            int first = bounds[task / heads];
            for (int row = first; row < bounds[task / heads + 1]; row++) {
                double[] p = new double[row - first + 1];
                double logSum = scores(q, row, head, k, first, head / group, headDim, p);
                logSums.set(row, head, (float) logSum);
                for (int i = 0; i < headDim; i++) {
                    double sum = 0;
                    for (int t = 0; t < p.length; t++) {
                        sum += Math.exp(p[t] - logSum) * v.get(first + t, head / group * headDim + i);
                    }
                    out.set(row, head * headDim + i, (float) sum);
                }
            }
        });
    }

    /// Fills `scores` and returns the logarithm of the sum of their exponentials.
    private static double scores(
            Rows q, int row, int head, Rows k, int first, int kvHead, int headDim, double[] scores) {
        double max = Double.NEGATIVE_INFINITY;
        for (int t = 0; t < scores.length; t++) {
            scores[t] = dot(q, row, head, k, first + t, kvHead, headDim) / Math.sqrt(headDim);
            max = Math.max(max, scores[t]);
        }
        double total = 0;
        for (double score : scores) {
            total += Math.exp(score - max);
        }
        return max + Math.log(total);
    }

    private static double dot(Rows a, int aRow, int aHead, Rows b, int bRow, int bHead, int headDim) {
        double dot = 0;
        for (int i = 0; i < headDim; i++) {
            dot += (double) a.get(aRow, aHead * headDim + i) * b.get(bRow, bHead * headDim + i);
        }
        return dot;
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
        int kvHeads = k.cols() / headDim;
        int group = q.cols() / k.cols();
        pool.run((bounds.length - 1) * kvHeads, (task, worker) -> {
            int kvHead = task % kvHeads;
            int first = bounds[task / kvHeads];
            int rows = bounds[task / kvHeads + 1] - first;
            double[][] keys = new double[rows][headDim];
            double[][] values = new double[rows][headDim];
            for (int head = kvHead * group; head < (kvHead + 1) * group; head++) {
                for (int row = 0; row < rows; row++) {
                    double[] p = new double[row + 1];
                    double logSum = scores(q, first + row, head, k, first, kvHead, headDim, p);
                    double[] queries = new double[headDim];
                    double delta = dot(dOut, first + row, head, out, first + row, head, headDim);
                    for (int t = 0; t <= row; t++) {
                        double prob = Math.exp(p[t] - logSum);
                        double dp = dot(dOut, first + row, head, v, first + t, kvHead, headDim);
                        double ds = prob * (dp - delta) / Math.sqrt(headDim);
                        for (int i = 0; i < headDim; i++) {
                            queries[i] += ds * k.get(first + t, kvHead * headDim + i);
                            keys[t][i] += ds * q.get(first + row, head * headDim + i);
                            values[t][i] += prob * dOut.get(first + row, head * headDim + i);
                        }
                    }
                    set(dq, first + row, head, queries);
                }
            }
            for (int row = 0; row < rows; row++) {
                set(dk, first + row, kvHead, keys[row]);
                set(dv, first + row, kvHead, values[row]);
            }
        });
    }

    private static void set(Rows to, int row, int head, double[] values) {
        for (int i = 0; i < values.length; i++) {
            to.set(row, head * values.length + i, (float) values[i]);
        }
    }

    @Override
    public void adamW(Rows value, Rows gradient, Rows mean, Rows square, AdamStep step) {
        double meanScale = 1 / (1 - Math.pow(step.beta1(), step.step()));
        double squareScale = 1 / (1 - Math.pow(step.beta2(), step.step()));
        for (int row = 0; row < value.count(); row++) {
            for (int i = 0; i < value.cols(); i++) {
                double g = (double) step.gradientScale() * gradient.get(row, i);
                double m = step.beta1() * mean.get(row, i) + (1.0 - step.beta1()) * g;
                double s = step.beta2() * square.get(row, i) + (1.0 - step.beta2()) * g * g;
                double v = value.get(row, i) * (1.0 - (double) step.rate() * step.decay());
                mean.set(row, i, (float) m);
                square.set(row, i, (float) s);
                value.set(row, i, (float)
                        (v - step.rate() * m * meanScale / (Math.sqrt(s * squareScale) + step.epsilon())));
            }
        }
    }

    @Override
    public double squaredNorm(Rows x) {
        double sum = 0;
        for (int row = 0; row < x.count(); row++) {
            for (int i = 0; i < x.cols(); i++) {
                sum += (double) x.get(row, i) * x.get(row, i);
            }
        }
        return sum;
    }

    @Override
    public void toBfloat16(Rows x, MemorySegment out) {
        float[] row = new float[x.cols()];
        for (int i = 0; i < x.count(); i++) {
            MemorySegment.copy(x.data(), Rows.FLOAT, x.offset(i), row, 0, row.length);
            BlockCodec.of(DType.BF16).encode(row, 0, out, (long) i * row.length * 2, row.length);
        }
    }
}
