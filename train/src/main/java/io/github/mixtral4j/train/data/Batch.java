package io.github.mixtral4j.train.data;

import io.github.mixtral4j.train.model.PackedBatch;
import java.util.List;

/// Samples packed for a model, and where they come from.
///
/// @param packed the samples, one after the other
/// @param lines for every unit, a sample or a pair of samples, its line in the [Dataset]
public record Batch(PackedBatch packed, int[] lines) {
    /// Packs units.
    static Batch of(List<List<Sample>> units, int[] lines) {
        List<Sample> samples = units.stream().flatMap(List::stream).toList();
        int rows = samples.stream().mapToInt(Sample::length).sum();
        int[] tokens = new int[rows];
        int[] positions = new int[rows];
        int[] starts = new int[samples.size()];
        float[] weights = new float[rows];
        int row = 0;
        for (int s = 0; s < starts.length; s++) {
            Sample sample = samples.get(s);
            starts[s] = row;
            System.arraycopy(sample.ids(), 0, tokens, row, sample.length());
            System.arraycopy(sample.weights(), 0, weights, row, sample.length());
            weights[row] = 0;
            for (int i = 0; i < sample.length(); i++) {
                positions[row + i] = i;
            }
            row += sample.length();
        }
        return new Batch(new PackedBatch(tokens, positions, starts, weights), lines);
    }
}
