package io.github.mixtral4j.train.model;

import io.github.mixtral4j.model.LayerWeights;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.model.MixtralWeights;
import io.github.mixtral4j.model.MoeWeights;
import io.github.mixtral4j.model.SwigluWeights;
import io.github.mixtral4j.quant.BlockCodec;
import io.github.mixtral4j.tensor.Tensor;
import io.github.mixtral4j.testkit.ReferenceMixtral;
import io.github.mixtral4j.testkit.ReferenceTrace;
import io.github.mixtral4j.testkit.ReferenceWeights;
import io.github.mixtral4j.testkit.TinyConfig;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/// The losses of a batch in double precision, by [ReferenceMixtral]; weights can be changed one by one, so that
/// differences of losses give their gradients. Shares no code with what is trained.
final class DoubleModel {
    private final MixtralConfig config;
    private final Map<String, double[]> values = new HashMap<>();
    private final ReferenceMixtral model;

    /// @param config with interleaved rotary pairs
    DoubleModel(MixtralConfig config, MixtralWeights weights) {
        this.config = config;
        List<ReferenceWeights.Layer> layers = new ArrayList<>();
        for (LayerWeights w : weights.layers()) {
            MoeWeights moe = (MoeWeights) w.feedForward();
            List<ReferenceWeights.Expert> experts = new ArrayList<>();
            for (SwigluWeights e : moe.experts()) {
                experts.add(
                        new ReferenceWeights.Expert(decode(e.gateProj()), decode(e.upProj()), decode(e.downProj())));
            }
            layers.add(new ReferenceWeights.Layer(
                    decode(w.attentionNorm()),
                    decode(w.wq()),
                    decode(w.wk()),
                    decode(w.wv()),
                    decode(w.wo()),
                    decode(w.ffnNorm()),
                    decode(moe.router()),
                    experts));
        }
        TinyConfig tiny = new TinyConfig(
                config.hiddenSize(),
                config.intermediateSize(),
                config.numLayers(),
                config.numHeads(),
                config.numKvHeads(),
                config.headDim(),
                config.vocabSize(),
                config.numExperts(),
                config.numExpertsPerToken(),
                config.contextLength(),
                config.rmsNormEps(),
                config.ropeTheta());
        model = new ReferenceMixtral(new ReferenceWeights(
                tiny, decode(weights.embedding()), layers, decode(weights.outputNorm()), decode(weights.output())));
    }

    private double[] decode(Tensor tensor) {
        float[] floats = new float[tensor.rows() * tensor.cols()];
        BlockCodec.of(tensor.dtype()).decode(tensor.data(), 0, floats, 0, floats.length);
        double[] doubles = new double[floats.length];
        Arrays.setAll(doubles, i -> floats[i]);
        values.put(tensor.name(), doubles);
        return doubles;
    }

    /// The numbers of a tensor, which may be changed.
    double[] values(String name) {
        return Objects.requireNonNull(values.get(name), name);
    }

    private List<ReferenceTrace> traces(PackedBatch batch) {
        List<ReferenceTrace> traces = new ArrayList<>();
        for (int s = 0; s < batch.samples(); s++) {
            traces.add(model.forward(Arrays.copyOfRange(batch.tokens(), batch.starts()[s], batch.end(s))));
        }
        return traces;
    }

    /// The losses of a batch.
    StepLosses losses(PackedBatch batch, boolean perLayer) {
        List<ReferenceTrace> traces = traces(batch);
        double lossSum = 0;
        double weightSum = 0;
        for (int s = 0; s < batch.samples(); s++) {
            for (int i = batch.starts()[s] + 1; i < batch.end(s); i++) {
                double[] logits = traces.get(s).logits()[i - 1 - batch.starts()[s]];
                lossSum += batch.weights()[i] * (logSum(logits) - logits[batch.tokens()[i]]);
                weightSum += batch.weights()[i];
            }
        }
        return new StepLosses(lossSum, weightSum, loadBalancing(traces, batch.rows(), perLayer), routerZ(traces));
    }

    /// Rows that experts were given.
    long[][] load(PackedBatch batch) {
        long[][] load = new long[config.numLayers()][config.numExperts()];
        for (ReferenceTrace trace : traces(batch)) {
            for (int l = 0; l < load.length; l++) {
                for (int[] chosen : trace.layers().get(l).experts()) {
                    for (int e : chosen) {
                        load[l][e]++;
                    }
                }
            }
        }
        return load;
    }

    private double loadBalancing(List<ReferenceTrace> traces, int rows, boolean perLayer) {
        int layers = config.numLayers();
        int experts = config.numExperts();
        double loss = 0;
        // Pooled is one group of all layers, per layer is a group each.
        int groups = perLayer ? layers : 1;
        for (int g = 0; g < groups; g++) {
            double[] f = new double[experts];
            double[] p = new double[experts];
            int members = layers / groups;
            for (int l = g * members; l < (g + 1) * members; l++) {
                for (ReferenceTrace trace : traces) {
                    for (int t = 0; t < trace.ids().length; t++) {
                        double[] logits = trace.layers().get(l).feedForward().routerLogits()[t];
                        for (int e = 0; e < experts; e++) {
                            p[e] += Math.exp(logits[e] - logSum(logits)) / ((double) rows * members);
                        }
                        for (int e : trace.layers().get(l).experts()[t]) {
                            f[e] += 1 / ((double) rows * members);
                        }
                    }
                }
            }
            for (int e = 0; e < experts; e++) {
                loss += experts * f[e] * p[e] / groups;
            }
        }
        return loss;
    }

    private double routerZ(List<ReferenceTrace> traces) {
        double sum = 0;
        long count = 0;
        for (ReferenceTrace trace : traces) {
            for (ReferenceTrace.Layer layer : trace.layers()) {
                for (double[] logits : layer.feedForward().routerLogits()) {
                    sum += logSum(logits) * logSum(logits);
                    count++;
                }
            }
        }
        return sum / count;
    }

    private static double logSum(double[] logits) {
        double max = Arrays.stream(logits).max().orElseThrow();
        return max + Math.log(Arrays.stream(logits).map(v -> Math.exp(v - max)).sum());
    }
}
