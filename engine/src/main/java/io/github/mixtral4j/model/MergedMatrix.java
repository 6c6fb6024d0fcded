package io.github.mixtral4j.model;

import io.github.mixtral4j.quant.BlockCodec;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/// A weight matrix with low-rank changes added to it: `w + Σ scale · b · a`, row by row, in the format of `w`.
///
/// Quantized formats round anew, so that merged weights are as far from the exact sum as the base is from its original.
/// One thread at a time.
public final class MergedMatrix {
    /// Largest number of float16.
    private static final float MAX_HALF = 65504;

    private final Tensor w;
    private final BlockCodec codec;
    private final LowRank[] changes;
    private final float[][] a;
    private final float[][] b;
    private final float[] row;
    private final float[] sum;

    /// @param w a matrix
    /// @param changes to this matrix, from [Adaptation#changesTo]
    public MergedMatrix(Tensor w, LowRank[] changes) {
        this.w = w;
        this.codec = BlockCodec.of(w.dtype());
        this.changes = changes;
        a = Arrays.stream(changes).map(LowRank::aValues).toArray(float[][]::new);
        b = Arrays.stream(changes).map(LowRank::bValues).toArray(float[][]::new);
        row = new float[w.cols()];
        sum = new float[w.cols()];
    }

    /// Writes rows `[from, to)` as they stand in a file.
    ///
    /// @param out receives `(to - from) * w.rowBytes()` bytes
    /// @throws IllegalArgumentException if the format cannot hold a merged number
    public void encode(int from, int to, MemorySegment out) {
        for (int i = from; i < to; i++) {
            codec.decode(w.data(), i * w.rowBytes(), row, 0, row.length);
            Arrays.fill(sum, 0);
            for (int change = 0; change < changes.length; change++) {
                addRow(i, change);
            }
            for (int k = 0; k < row.length; k++) {
                row[k] += sum[k];
            }
            check(i);
            codec.encode(row, 0, out, (i - from) * w.rowBytes(), row.length);
        }
    }

    private void addRow(int i, int change) {
        int rank = changes[change].rank();
        float[] rows = a[change];
        for (int r = 0; r < rank; r++) {
            float factor = changes[change].scale() * b[change][i * rank + r];
            int start = r * sum.length;
            for (int k = 0; k < sum.length; k++) {
                sum[k] += factor * rows[start + k];
            }
        }
    }

    private void check(int i) {
        for (float value : row) {
            boolean fits = w.dtype() == DType.F16 ? Math.abs(value) <= MAX_HALF : Float.isFinite(value);
            if (!fits) {
                throw new IllegalArgumentException(
                        w.name() + ": merged, row " + i + " holds " + value + ", which is no number of " + w.dtype());
            }
        }
    }
}
