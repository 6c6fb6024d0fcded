package io.github.mixtral4j.checkpoint;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/// Any bytes as a GGUF file: a header whose tensors lie inside, or a [CheckpointException].
class GgufFuzzTest {
    @FuzzTest(maxDuration = "1m")
    void header(byte[] bytes) {
        MemorySegment file = MemorySegment.ofArray(bytes);
        try {
            for (LocatedTensor tensor : GgufHeader.parse("fuzz.gguf", file).tensors()) {
                touch(tensor.in(file, 0).data());
            }
        } catch (CheckpointException e) {
            // The other way out that a hostile file has.
        }
    }

    @Test
    void corpusIsWhatIsMadeHere() throws IOException {
        Map<String, byte[]> seeds = new TreeMap<>();
        seeds.put("valid", GgufSamples.small());
        HostileGgufTest.lies().forEach(lie -> seeds.put(lie.name(), lie.file()));
        FuzzCorpus.check(getClass(), "header", seeds);
    }

    /// Reads the first and the last byte.
    static void touch(MemorySegment data) {
        long unused = data.get(ValueLayout.JAVA_BYTE, 0) + data.get(ValueLayout.JAVA_BYTE, data.byteSize() - 1);
    }
}
