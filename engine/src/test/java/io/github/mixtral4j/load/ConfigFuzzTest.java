package io.github.mixtral4j.load;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.github.mixtral4j.checkpoint.CheckpointException;
import io.github.mixtral4j.checkpoint.FuzzCorpus;
import io.github.mixtral4j.model.RopeLayout;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Any JSON as `config.json` and as `params.json`: architecture numbers, or a [CheckpointException].
class ConfigFuzzTest {
    private static final JsonMapper MAPPER = new JsonMapper();

    @FuzzTest(maxDuration = "1m")
    void config(byte[] bytes) {
        JsonNode json;
        try {
            json = MAPPER.readTree(bytes);
        } catch (JacksonException e) {
            return;
        }
        try {
            HuggingFaceConfig.read(new JsonKeys("config.json", json), () -> 100, RopeLayout.HALF_SPLIT);
        } catch (CheckpointException e) {
            // The other way out that a hostile file has.
        }
        try {
            MistralParams.read(new JsonKeys("params.json", json), () -> 100, RopeLayout.INTERLEAVED);
        } catch (CheckpointException e) {
            // Likewise.
        }
    }

    @Test
    void corpusIsWhatIsMadeHere() throws IOException {
        Map<String, byte[]> seeds = new TreeMap<>();
        seeds.put("config of 8x22B", ConfigTest.HF_8X22B_INSTRUCT.getBytes(StandardCharsets.UTF_8));
        seeds.put("params of 8x7B", ConfigTest.PARAMS_8X7B.getBytes(StandardCharsets.UTF_8));
        seeds.put("params of 7B", ConfigTest.PARAMS_7B_V01.getBytes(StandardCharsets.UTF_8));
        FuzzCorpus.check(getClass(), "config", seeds);
    }
}
