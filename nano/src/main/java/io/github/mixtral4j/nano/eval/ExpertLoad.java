package io.github.mixtral4j.nano.eval;

import io.github.mixtral4j.model.Batch;
import io.github.mixtral4j.model.ForwardObserver;
import io.github.mixtral4j.model.KvCache;
import io.github.mixtral4j.model.Mixtral;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.model.Routing;
import io.github.mixtral4j.model.Workspace;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import java.util.List;

/// How often the router of each layer chose each expert. A model that uses all its experts has about the same count
/// everywhere; an expert that is never chosen has learned nothing.
public final class ExpertLoad implements ForwardObserver {
    private final long[][] counts;

    private ExpertLoad(MixtralConfig config) {
        counts = new long[config.numLayers()][config.numExperts()];
    }

    /// Runs the model over texts and counts.
    /// @param texts token ids, each text no longer than the model's context
    public static ExpertLoad of(Mixtral model, List<int[]> texts) {
        ExpertLoad load = new ExpertLoad(model.config());
        int longest = texts.stream().mapToInt(t -> t.length).max().orElse(1);
        try (KvCache cache = KvCache.allocate(model.config(), longest, DType.F16);
                Workspace work = Workspace.allocate(model.config(), longest, 1)) {
            work.observe(load);
            for (int[] text : texts) {
                int sequence = cache.openSequence();
                model.forward(Batch.ofSequence(sequence, 0, text, 0, text.length), cache, work);
                cache.closeSequence(sequence);
            }
        }
        return load;
    }

    @Override
    public void routing(int layer, Rows logits, Routing routing) {
        for (int expert = 0; expert < counts[layer].length; expert++) {
            counts[layer][expert] += routing.count(expert);
        }
    }

    /// Load of each expert of each layer, 1 being its equal share.
    public double[][] shares() {
        double[][] shares = new double[counts.length][];
        for (int layer = 0; layer < counts.length; layer++) {
            long total = 0;
            for (long count : counts[layer]) {
                total += count;
            }
            shares[layer] = new double[counts[layer].length];
            for (int expert = 0; expert < shares[layer].length; expert++) {
                shares[layer][expert] = (double) counts[layer][expert] * shares[layer].length / total;
            }
        }
        return shares;
    }
}
