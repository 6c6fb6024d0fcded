package io.github.mixtral4j.checkpoint;

/// Whose folder of safetensors it is; this decides how its config is to be read.
public enum SafetensorsLayout {
    /// `config.json`, `model.safetensors` or shards with an index.
    HUGGING_FACE("config.json", "model"),
    /// `params.json`, `consolidated.safetensors` or its shards.
    MISTRAL("params.json", "consolidated"),
    /// `adapter_config.json`, `adapter_model.safetensors`: no model but an adapter, as PEFT writes it.
    PEFT("adapter_config.json", "adapter_model");

    private final String configName;
    private final String stem;

    SafetensorsLayout(String configName, String stem) {
        this.configName = configName;
        this.stem = stem;
    }

    /// Name of the config file.
    public String configName() {
        return configName;
    }

    /// What the names of the weight files start with.
    public String stem() {
        return stem;
    }
}
