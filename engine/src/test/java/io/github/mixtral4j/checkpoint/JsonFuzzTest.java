package io.github.mixtral4j.checkpoint;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/// Any bytes as an index of shards and as a config: something usable, or a [CheckpointException].
class JsonFuzzTest {
    private static final Path FOLDER = Path.of("/model");

    @FuzzTest(maxDuration = "1m")
    void indexAndConfig(byte[] bytes) {
        try {
            for (String shard :
                    SafetensorsIndex.parse("index.json", bytes).weightMap().values()) {
                if (!FOLDER.equals(FOLDER.resolve(shard).normalize().getParent())) {
                    throw new AssertionError("leads out of the folder: " + shard);
                }
            }
        } catch (CheckpointException e) {
            // The other way out that a hostile file has.
        }
        try {
            Json.parseConfig("config.json", bytes);
        } catch (CheckpointException e) {
            // Likewise.
        }
    }

    @Test
    void corpusIsWhatIsMadeHere() throws IOException {
        Map<String, byte[]> seeds = new TreeMap<>();
        seeds.put("index", MutationTest.INDEX.getBytes(StandardCharsets.UTF_8));
        seeds.put("config", MutationTest.CONFIG.getBytes(StandardCharsets.UTF_8));
        HostileSafetensorsTest.configs().forEach(lie -> seeds.put(lie.name(), lie.file()));
        FuzzCorpus.check(getClass(), "indexAndConfig", seeds);
    }
}
