package io.github.mixtral4j.model;

import io.github.mixtral4j.tensor.Rows;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/// Keeps what a forward pass of one sequence showed, chunk after chunk, as rows by token.
final class Recorder implements ForwardObserver {
    private final Map<Stage, List<List<float[]>>> stages = new EnumMap<>(Stage.class);
    private final List<List<float[]>> routerLogits = new ArrayList<>();
    private final List<List<int[]>> experts = new ArrayList<>();
    private final List<List<float[]>> expertWeights = new ArrayList<>();

    @Override
    public void stage(Stage stage, int layer, Rows rows) {
        List<float[]> kept = at(stages.computeIfAbsent(stage, s -> new ArrayList<>()), layer);
        for (int row = 0; row < rows.count(); row++) {
            kept.add(TestModel.row(rows, row));
        }
    }

    @Override
    public void routing(int layer, Rows logits, Routing routing) {
        for (int row = 0; row < logits.count(); row++) {
            at(routerLogits, layer).add(TestModel.row(logits, row));
            int[] choices = new int[routing.expertsPerToken()];
            float[] weights = new float[choices.length];
            for (int k = 0; k < choices.length; k++) {
                choices[k] = routing.choice(row, k);
                weights[k] = routing.choiceWeight(row, k);
            }
            at(experts, layer).add(choices);
            at(expertWeights, layer).add(weights);
        }
    }

    List<float[]> stage(Stage stage, int layer) {
        List<List<float[]>> layers = stages.get(stage);
        if (layers == null) {
            throw new AssertionError("stage " + stage + " was never shown");
        }
        return layers.get(layer);
    }

    List<float[]> routerLogits(int layer) {
        return routerLogits.get(layer);
    }

    List<int[]> experts(int layer) {
        return experts.get(layer);
    }

    List<float[]> expertWeights(int layer) {
        return expertWeights.get(layer);
    }

    private static <T> List<T> at(List<List<T>> layers, int layer) {
        while (layers.size() <= layer) {
            layers.add(new ArrayList<>());
        }
        return layers.get(layer);
    }
}
