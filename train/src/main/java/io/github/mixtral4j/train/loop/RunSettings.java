package io.github.mixtral4j.train.loop;

import io.github.mixtral4j.train.TrainException;
import io.github.mixtral4j.train.data.Dataset;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What decides the losses of a run: the config as it was written, and what its files hold. A checkpoint keeps it, so
/// that nobody goes on with something else by mistake.
///
/// @param config where the settings were read, for messages
/// @param values by key
record RunSettings(Path config, Map<String, String> values) {
    /// Keys that may be changed between two starts of a run, or begin so.
    private static final List<String> FREE =
            List.of("steps", "epochs", "evaluation.", "checkpoints.", "export", "output");

    static RunSettings of(TrainConfig config, Dataset data) {
        Map<String, String> values = new LinkedHashMap<>(config.settings());
        Dataset.Summary train = data.trainSummary();
        values.put("data", train.samples() + " samples of " + train.tokens() + " tokens");
        return new RunSettings(config.file(), values);
    }

    /// @param before the settings in a checkpoint
    /// @throws TrainException if they are others
    void requireSame(Map<String, String> before, Path checkpoint) {
        values.keySet().forEach(key -> requireSame(key, before, checkpoint));
        before.keySet().forEach(key -> requireSame(key, before, checkpoint));
    }

    private void requireSame(String key, Map<String, String> before, Path checkpoint) {
        String value = values.getOrDefault(key, "not set");
        String then = before.getOrDefault(key, "not set");
        if (FREE.stream().noneMatch(key::startsWith) && !value.equals(then)) {
            throw new TrainException(config + ": " + key + " is " + value + ", but " + then + " when " + checkpoint
                    + " was written; set it back, or begin a new run in another output folder");
        }
    }
}
