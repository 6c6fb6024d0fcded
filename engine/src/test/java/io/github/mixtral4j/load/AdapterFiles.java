package io.github.mixtral4j.load;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.mixtral4j.checkpoint.CheckpointException;
import io.github.mixtral4j.model.Adapter;
import io.github.mixtral4j.model.AdapterTarget;
import io.github.mixtral4j.model.LowRank;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.model.RopeLayout;
import io.github.mixtral4j.model.TestModel;
import io.github.mixtral4j.testkit.BlockFormat;
import io.github.mixtral4j.testkit.RawTensor;
import io.github.mixtral4j.testkit.TinyConfig;
import io.github.mixtral4j.testkit.TinyGguf;
import io.github.mixtral4j.testkit.TinySafetensors;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/// Adapter files written without the engine, right or wrong, and what adapters come to.
final class AdapterFiles {
    /// Heads of 8, kv width 16, width 32, 48 inside an expert, 3 experts.
    static final TinyConfig TINY = new TinyConfig(32, 48, 2, 4, 2, 8, 420, 3, 2, 64, 1e-5, 1e6);

    static final String CONFIG = "{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 8}";

    static final MixtralConfig BASE = TestModel.config(TINY, RopeLayout.INTERLEAVED);

    /// How a tensor without a place is refused.
    static final String PLACE =
            " is of none of the matrices that an adapter can change here, in a model of 2 layers and 3 experts: ";

    static final String NO_ADAPTER = "holds no adapter; expected a GGUF file whose general.type is \"adapter\", "
            + "or adapter_model.safetensors with adapter_config.json";

    /// The value of a metadata key that a file is not to have.
    static final Object ABSENT = new Object();

    private AdapterFiles() {}

    /// A matrix or stack of F32 with numbers that follow from its name.
    static RawTensor tensor(String name, int... dims) {
        int count = 1;
        for (int dim : dims) {
            count *= dim;
        }
        Random random = new Random(name.hashCode());
        ByteBuffer bytes = ByteBuffer.allocate(4 * count).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < count; i++) {
            bytes.putFloat((float) random.nextGaussian());
        }
        return new RawTensor(name, BlockFormat.F32, dims, bytes.array());
    }

    static Path peft(Path folder, String config, RawTensor... tensors) throws IOException {
        Files.createDirectories(folder);
        Files.writeString(folder.resolve("adapter_config.json"), config);
        TinySafetensors.write(folder.resolve("adapter_model.safetensors"), List.of(tensors));
        return folder;
    }

    /// @param keys added to, or in place of, those of a right file with alpha 8; [#ABSENT] takes one away
    static Path gguf(Path file, Map<String, Object> keys, RawTensor... tensors) throws IOException {
        Map<String, Object> metadata = new LinkedHashMap<>();
        metadata.put("general.architecture", "llama");
        metadata.put("general.type", "adapter");
        metadata.put("adapter.type", "lora");
        metadata.put("adapter.lora.alpha", 8f);
        metadata.putAll(keys);
        metadata.values().removeIf(value -> value == ABSENT);
        TinyGguf.write(file, 3, metadata, List.of(tensors));
        return file;
    }

    /// `scale · b · a`, row by row.
    static double[] product(double scale, double[] a, double[] b, int rank) {
        int cols = a.length / rank;
        double[] sum = new double[b.length / rank * cols];
        for (int i = 0; i < sum.length; i++) {
            for (int r = 0; r < rank; r++) {
                sum[i] += scale * b[i / cols * rank + r] * a[r * cols + i % cols];
            }
        }
        return sum;
    }

    /// What an adapter adds to each matrix.
    static Map<AdapterTarget, double[]> products(Adapter adapter) {
        Map<AdapterTarget, double[]> products = new LinkedHashMap<>();
        adapter.changes().forEach((target, change) -> products.put(target, product(change)));
        return products;
    }

    static double[] product(LowRank change) {
        return product(change.scale(), doubles(change.aValues()), doubles(change.bValues()), change.rank());
    }

    private static double[] doubles(float[] values) {
        double[] doubles = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            doubles[i] = values[i];
        }
        return doubles;
    }

    /// The same with a number in it that is not what it should be.
    static RawTensor holding(String name, float value, int... dims) {
        RawTensor tensor = tensor(name, dims);
        ByteBuffer.wrap(tensor.bytes()).order(ByteOrder.LITTLE_ENDIAN).putFloat(20, value);
        return tensor;
    }

    /// A pair in a GGUF file that nothing is wrong with.
    static List<RawTensor> rightGguf() {
        return List.of(tensor("blk.0.attn_v.weight.lora_a", 2, 32), tensor("blk.0.attn_v.weight.lora_b", 16, 2));
    }

    /// Asserts that an adapter for [#BASE] is refused in these words.
    static void refuses(Path adapter, String message) {
        assertThatThrownBy(() -> AdapterLoader.load(adapter, BASE).close())
                .isInstanceOf(CheckpointException.class)
                .hasMessage(message);
    }
}
