package io.github.mixtral4j.train.op;

import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.model.RopeLayout;
import io.github.mixtral4j.tensor.Rows;

/// Rotary position embedding: turns pair `i` of every head by `position * theta^(-2i / headDim)`. A rotation's backward
/// pass is the rotation back.
///
/// Source: Su et al. 2021, "RoFormer", eq. 15.
public final class Rope {
    private final Kernels kernels;
    private final int headDim;
    private final RopeLayout layout;
    private final double theta;
    /// `[position][headDim / 2]`, as far as positions have been seen.
    private float[] cosines = {};
    private float[] sines = {};

    /// Rotations of a model's heads.
    public Rope(Kernels kernels, MixtralConfig config) {
        this.kernels = kernels;
        headDim = config.headDim();
        layout = config.rope();
        theta = config.ropeTheta();
    }

    /// Turns all heads of all rows, in place.
    public void forward(Rows x, int[] positions) {
        turn(x, positions, 1);
    }

    /// Turns a gradient back, in place.
    public void backward(Rows dx, int[] positions) {
        turn(dx, positions, -1);
    }

    private void turn(Rows x, int[] positions, int direction) {
        int max = 0;
        for (int row = 0; row < x.count(); row++) {
            max = Math.max(max, positions[row]);
        }
        prepare(max + 1);
        kernels.training().parallel(x.count(), (row, worker) -> turnRow(x, row, positions[row], direction));
    }

    /// Angles in float64, so that long samples stay exact.
    private void prepare(int positions) {
        int half = headDim / 2;
        if (cosines.length >= positions * half) {
            return;
        }
        cosines = new float[positions * half];
        sines = new float[positions * half];
        for (int i = 0; i < half; i++) {
            double frequency = Math.pow(theta, -2.0 * i / headDim);
            for (int position = 0; position < positions; position++) {
                cosines[position * half + i] = (float) Math.cos(position * frequency);
                sines[position * half + i] = (float) Math.sin(position * frequency);
            }
        }
    }

    private void turnRow(Rows x, int row, int position, int direction) {
        int half = headDim / 2;
        int step = layout == RopeLayout.INTERLEAVED ? 2 : 1;
        int partner = layout == RopeLayout.INTERLEAVED ? 1 : half;
        for (int head = 0; head < x.cols(); head += headDim) {
            for (int i = 0; i < half; i++) {
                int first = head + i * step;
                float cos = cosines[position * half + i];
                float sin = direction * sines[position * half + i];
                float a = x.get(row, first);
                float b = x.get(row, first + partner);
                x.set(row, first, a * cos - b * sin);
                x.set(row, first + partner, a * sin + b * cos);
            }
        }
    }
}
