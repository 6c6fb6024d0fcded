package io.github.mixtral4j.load;

import io.github.mixtral4j.checkpoint.Checkpoint;
import io.github.mixtral4j.checkpoint.GgufCheckpoint;
import io.github.mixtral4j.checkpoint.GgufMetadata;
import io.github.mixtral4j.checkpoint.SafetensorsCheckpoint;
import io.github.mixtral4j.checkpoint.SafetensorsLayout;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// The ids that end a text, as the files of a model declare them.
///
/// Source: `eos_token_id` of transformers' GenerationConfig, a number or several; `llama_vocab_is_eog` of
/// llama.cpp.
final class EosIds {
    private static final String GENERATION_CONFIG = "generation_config.json";

    private EosIds() {}

    /// @param vocabSize ids from here on, which the model cannot sample, are left out
    static Set<Integer> of(Checkpoint checkpoint, int vocabSize) throws IOException {
        List<Integer> declared = switch (checkpoint) {
            case GgufCheckpoint gguf -> ofMetadata(gguf.metadata());
            case SafetensorsCheckpoint safetensors -> ofConfigs(safetensors);
        };
        return declared.stream().filter(id -> id >= 0 && id < vocabSize).collect(Collectors.toUnmodifiableSet());
    }

    private static List<Integer> ofMetadata(GgufMetadata metadata) {
        return Stream.of("tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id")
                .filter(metadata::has)
                .map(key -> TokenizerLoader.toInt(metadata.integer(key)))
                .toList();
    }

    private static List<Integer> ofConfigs(SafetensorsCheckpoint checkpoint) throws IOException {
        List<Integer> ids = new ArrayList<>();
        if (checkpoint.layout() == SafetensorsLayout.HUGGING_FACE) {
            ids.addAll(declared(new JsonKeys(checkpoint.layout().configName(), checkpoint.config())));
            checkpoint
                    .config(GENERATION_CONFIG)
                    .ifPresent(config -> ids.addAll(declared(new JsonKeys(GENERATION_CONFIG, config))));
        }
        return ids;
    }

    private static List<Integer> declared(JsonKeys config) {
        return config.integers("eos_token_id");
    }
}
