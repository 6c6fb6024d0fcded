package io.github.mixtral4j.train.loop;

import io.github.mixtral4j.train.TrainException;
import io.github.mixtral4j.train.data.Dataset;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// What decides the losses of a run: the config as it was written, and what its files hold. A checkpoint keeps it, so
/// that nobody goes on with something else by mistake.
///
/// @param config where the settings were read, for messages
/// @param values by key
record RunSettings(Path config, Map<String, String> values) {
    /// Keys that may be changed between two starts of a run, or begin so. How fast it learns may: after
    /// numbers that were none, or a curve that does not fall, nobody wants to begin anew.
    private static final List<String> FREE =
            List.of("steps", "epochs", "optimizer.", "schedule.", "evaluation.", "checkpoints.", "export", "output");

    static RunSettings of(TrainConfig config, Dataset data) throws IOException {
        Map<String, String> values = new LinkedHashMap<>(config.settings());
        Dataset.Summary train = data.trainSummary();
        values.put("data", train.samples() + " samples of " + train.tokens() + " tokens");
        values.put("the content of the data", "checksum " + Long.toHexString(data.checksum()));
        if (config.model() instanceof TrainConfig.Model.Base base) {
            values.put("the content of model.base", ModelMark.of(base.path()));
        }
        return new RunSettings(config.file(), values);
    }

    /// @param before the settings in a checkpoint
    /// @return a sentence about each that may be another and is
    /// @throws TrainException if others are
    List<String> requireSame(Map<String, String> before, Path checkpoint) {
        Set<String> keys = new LinkedHashSet<>(values.keySet());
        keys.addAll(before.keySet());
        List<String> changed = new ArrayList<>();
        for (String key : keys) {
            String value = values.getOrDefault(key, "not set");
            String then = before.getOrDefault(key, "not set");
            if (value.equals(then)) {
                continue;
            }
            if (FREE.stream().noneMatch(key::startsWith)) {
                throw new TrainException(config + ": " + key + " is " + value + ", but " + then + " when " + checkpoint
                        + " was written; set it back, or begin a new run in another output folder");
            }
            changed.add(key + " is " + value + " now, and was " + then);
        }
        return changed;
    }
}
