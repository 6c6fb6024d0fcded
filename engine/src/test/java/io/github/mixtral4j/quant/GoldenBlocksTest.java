package io.github.mixtral4j.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.testkit.Fixtures;
import io.github.mixtral4j.testkit.RawTensor;
import io.github.mixtral4j.testkit.RawTensors;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The golden GGUF files, which llama.cpp quantized from the exact weights in BF16.gguf.
class GoldenBlocksTest {
    @BeforeEach
    void needsGoldenModels() {
        assumeTrue(Fixtures.present(), Fixtures.ABSENT);
    }

    @ParameterizedTest
    @ValueSource(strings = {"Q4_0", "Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q3_K_M", "Q2_K"})
    void encodingTheExactWeightsGivesTheGoldenBytes(String file) throws IOException {
        RawTensors exact = golden("BF16");
        RawTensors quantized = golden(file);
        assertThat(quantized.byName().keySet()).isEqualTo(exact.byName().keySet());
        for (RawTensor want : quantized.byName().values()) {
            float[] weights = decode(exact.get(want.name()));
            byte[] got = new byte[want.bytes().length];
            BlockCodec.of(type(want)).encode(weights, 0, MemorySegment.ofArray(got), 0, weights.length);
            assertThat(got).as(file + " " + want.name() + " " + type(want)).isEqualTo(want.bytes());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"split-experts-F16", "Q4_0", "Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q3_K_M", "Q2_K"})
    void decodingIsTheReferenceRoundedToFloat(String file) throws IOException {
        for (RawTensor tensor : golden(file).byName().values()) {
            BlockCodecTest.assertDecodes(type(tensor), tensor.bytes(), tensor.name());
        }
    }

    private static RawTensors golden(String file) throws IOException {
        return RawTensors.readGguf(Fixtures.path("golden/a/gguf/" + file + ".gguf"));
    }

    private static DType type(RawTensor tensor) {
        return DType.valueOf(tensor.format().name());
    }

    private static float[] decode(RawTensor tensor) {
        int elements =
                tensor.bytes().length / type(tensor).blockBytes() * type(tensor).blockElements();
        float[] values = new float[elements];
        BlockCodec.of(type(tensor)).decode(MemorySegment.ofArray(tensor.bytes()), 0, values, 0, elements);
        return values;
    }
}
