package io.github.mixtral4j.checkpoint;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/// Any bytes as a safetensors file: a header whose tensors lie inside, or a [CheckpointException].
class SafetensorsFuzzTest {
    @FuzzTest(maxDuration = "1m")
    void header(byte[] bytes) {
        MemorySegment file = MemorySegment.ofArray(bytes);
        try {
            for (LocatedTensor tensor :
                    SafetensorsHeader.parse("fuzz.safetensors", file).tensors()) {
                GgufFuzzTest.touch(tensor.in(file, 0).data());
            }
        } catch (CheckpointException e) {
            // The other way out that a hostile file has.
        }
    }

    @Test
    void corpusIsWhatIsMadeHere() throws IOException {
        Map<String, byte[]> seeds = new TreeMap<>();
        seeds.put("valid", MutationTest.safetensors());
        HostileSafetensorsTest.lies().forEach(lie -> seeds.put(lie.name(), lie.file()));
        FuzzCorpus.check(getClass(), "header", seeds);
    }
}
