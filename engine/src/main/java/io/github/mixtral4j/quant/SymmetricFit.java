package io.github.mixtral4j.quant;

import java.util.Arrays;

/// Finds `element ≈ scale * (quant - half)` for the 16 elements of a group, with quants from 0 to `2 * half - 1`, as
/// Q3_K and Q6_K store them. Errors are weighted by the square of the element.
///
/// With the quants given, the best scale is `sum(w x q) / sum(w q q)`, and what it leaves unexplained is least where
/// `sum(w x q)² / sum(w q q)` is greatest: both searches compare that fraction.
///
/// Source: `make_qx_quants` and `make_q3_quants` of ggml-quants.c. Every sum runs in float32 and in element order: the
/// bytes depend on it.
final class SymmetricFit {
    /// Elements of a group.
    static final int COUNT = 16;

    /// Groups whose magnitudes stay below this count as all zero; GROUP_MAX_EPS in ggml-quants.c.
    static final float ZERO = 1e-15f;

    private SymmetricFit() {}

    /// Tries 19 scales around the one that maps the extreme element to quant 0, and keeps the best.
    ///
    /// @param quants receives the quants from `from` on
    /// @return the scale, of either sign; 0 if all elements are (nearly) 0
    static float scan(float[] x, int from, int half, byte[] quants) {
        float extreme = Blocks.extreme(x, from, COUNT);
        if (Math.abs(extreme) < ZERO) {
            Arrays.fill(quants, from, from + COUNT, (byte) 0);
            return 0;
        }
        float scale = 0;
        float explained = 0;
        for (int attempt = 0; attempt < 19; attempt++) {
            // The plain spread comes first: later candidates must be strictly better.
            int step = attempt == 0 ? 0 : attempt <= 9 ? attempt - 10 : attempt - 9;
            float inverse = -(half + 0.1f * step) / extreme;
            float sumXQ = 0;
            float sumQQ = 0;
            for (int i = from; i < from + COUNT; i++) {
                int q = Blocks.round(inverse * x[i], -half, half - 1);
                float weight = x[i] * x[i];
                sumXQ += weight * x[i] * q;
                sumQQ += weight * q * q;
            }
            if (attempt == 0 || (sumQQ > 0 && sumXQ * sumXQ > explained * sumQQ)) {
                for (int i = from; i < from + COUNT; i++) {
                    quants[i] = (byte) (half + Blocks.round(inverse * x[i], -half, half - 1));
                }
                scale = sumQQ == 0 ? 0 : sumXQ / sumQQ;
                explained = scale * sumXQ;
            }
        }
        return scale;
    }

    /// Starts from the scale that maps the extreme element to quant 0, then moves one quant at a time to its best
    /// value with the others fixed, up to five rounds.
    ///
    /// @param quants receives the quants from `from` on
    /// @return the scale, of either sign; 0 if all elements are (nearly) 0
    static float descend(float[] x, int from, int half, byte[] quants) {
        float extreme = Blocks.extreme(x, from, COUNT);
        if (Math.abs(extreme) < ZERO) {
            Arrays.fill(quants, from, from + COUNT, (byte) 0);
            return 0;
        }
        float inverse = -half / extreme;
        float sumXQ = 0;
        float sumQQ = 0;
        for (int i = from; i < from + COUNT; i++) {
            int q = Blocks.round(inverse * x[i], -half, half - 1);
            float weight = x[i] * x[i];
            quants[i] = (byte) q;
            sumXQ += weight * x[i] * q;
            sumQQ += weight * q * q;
        }
        boolean moved = true;
        for (int round = 0; round < 5 && moved; round++) {
            moved = false;
            for (int i = from; i < from + COUNT; i++) {
                float weight = x[i] * x[i];
                float othersXQ = sumXQ - weight * x[i] * quants[i];
                float othersQQ = sumQQ - weight * quants[i] * quants[i];
                int q = othersXQ > 0 ? Blocks.round(x[i] * othersQQ / othersXQ, -half, half - 1) : quants[i];
                if (q == quants[i]) {
                    continue;
                }
                float newXQ = othersXQ + weight * x[i] * q;
                float newQQ = othersQQ + weight * q * q;
                if (newQQ > 0 && newXQ * newXQ * sumQQ > sumXQ * sumXQ * newQQ) {
                    quants[i] = (byte) q;
                    sumXQ = newXQ;
                    sumQQ = newQQ;
                    moved = true;
                }
            }
        }
        for (int i = from; i < from + COUNT; i++) {
            quants[i] += (byte) half;
        }
        return sumQQ > 0 ? sumXQ / sumQQ : 0;
    }

    /// Quantizes a group anew with the scale the decoder will see; with a scale of 0 the quants stay as they are.
    static void requantize(float[] x, int from, float scale, int half, byte[] quants) {
        for (int i = from; scale != 0 && i < from + COUNT; i++) {
            quants[i] = (byte) (half + Blocks.round(x[i] / scale, -half, half - 1));
        }
    }
}
