package io.github.mixtral4j.checkpoint;

import static io.github.mixtral4j.checkpoint.SafetensorsBytes.entry;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.github.mixtral4j.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Thousands of damaged files: each is read, with every tensor inside the file, or refused with a
/// [CheckpointException]. Nothing else may come out.
class MutationTest {
    static final String INDEX =
            "{\"metadata\":{\"total_size\":8},\"weight_map\":{\"a\":\"m1.safetensors\"," + "\"b\":\"m2.safetensors\"}}";

    static final String CONFIG = "{\"hidden_size\":4096,\"rope_theta\":1e6,\"architectures\":[\"MixtralForCausalLM\"]}";

    private static final int CASES = 4000;

    /// Opening costs a mapping and, more so, its end.
    private static final int FILE_CASES = 300;

    @TempDir
    Path folder;

    /// Keeps the reads from being optimized away.
    private long touched;

    private interface Opener {
        void open(byte[] bytes) throws IOException;
    }

    @Test
    void damagedGgufHeader() {
        byte[] valid = GgufSamples.small();
        damage(valid, valid.length - GgufSamples.DATA_BYTES, CASES, bytes -> {
            MemorySegment file = MemorySegment.ofArray(bytes);
            touch(tensors(GgufHeader.parse("m.gguf", file).tensors(), file));
        });
    }

    @Test
    void damagedSafetensorsHeader() {
        byte[] valid = safetensors();
        damage(valid, valid.length - 40, CASES, bytes -> {
            MemorySegment file = MemorySegment.ofArray(bytes);
            touch(tensors(SafetensorsHeader.parse("m.safetensors", file).tensors(), file));
        });
    }

    @Test
    void damagedIndex() {
        byte[] valid = INDEX.getBytes(StandardCharsets.UTF_8);
        damage(valid, valid.length, CASES, bytes -> {
            for (String shard :
                    SafetensorsIndex.parse("index.json", bytes).weightMap().values()) {
                assertThat(folder.resolve(shard).normalize().getParent()).isEqualTo(folder);
            }
        });
    }

    @Test
    void damagedConfig() {
        byte[] valid = CONFIG.getBytes(StandardCharsets.UTF_8);
        damage(
                valid,
                valid.length,
                CASES,
                bytes -> assertThat(Json.parseConfig("config.json", bytes).isObject())
                        .isTrue());
    }

    @Test
    void damagedGgufFile() {
        byte[] valid = GgufSamples.small();
        Path file = folder.resolve("m.gguf");
        damage(valid, valid.length - GgufSamples.DATA_BYTES, FILE_CASES, bytes -> {
            Files.write(file, bytes);
            openAndTouch(file);
        });
    }

    @Test
    void damagedSafetensorsFile() throws IOException {
        byte[] valid = safetensors();
        Files.writeString(folder.resolve("config.json"), "{}");
        Path file = folder.resolve("model.safetensors");
        damage(valid, valid.length - 40, FILE_CASES, bytes -> {
            Files.write(file, bytes);
            openAndTouch(folder);
        });
    }

    static byte[] safetensors() {
        return SafetensorsBytes.build(
                "{\"__metadata__\":{\"format\":\"pt\"}," + entry("a.weight", "F32", "[2,3]", 0, 24) + ","
                        + entry("b", "BF16", "[4]", 24, 32) + "," + entry("c", "I64", "[1]", 32, 40) + "}  ",
                40);
    }

    private static List<Tensor> tensors(List<LocatedTensor> located, MemorySegment file) {
        return located.stream().map(tensor -> tensor.in(file, 0)).toList();
    }

    private void openAndTouch(Path path) throws IOException {
        try (Checkpoint checkpoint = Checkpoint.open(path)) {
            touch(checkpoint.tensors().values());
        }
    }

    private void touch(Collection<Tensor> tensors) {
        for (Tensor tensor : tensors) {
            MemorySegment data = tensor.data();
            touched += data.get(ValueLayout.JAVA_BYTE, 0);
            touched += data.get(ValueLayout.JAVA_BYTE, data.byteSize() - 1);
        }
    }

    /// @param headerBytes how many bytes from the start to damage; damage to weights goes unnoticed
    private static void damage(byte[] valid, int headerBytes, int cases, Opener opener) {
        assertThat(opens(opener, valid, "undamaged")).isTrue();
        Random random = new Random(20240401);
        int opening = 0;
        for (int i = 0; i < cases; i++) {
            opening += opens(opener, mutate(valid, headerBytes, random), "case " + i) ? 1 : 0;
        }
        // Were all refused (or none), the damage would not reach the checks.
        assertThat(opening).isBetween(1, cases * 95 / 100);
    }

    private static boolean opens(Opener opener, byte[] bytes, String description) {
        try {
            opener.open(bytes);
            return true;
        } catch (CheckpointException e) {
            assertThat(e).as(description).hasMessageMatching("\\P{Cntrl}{10,1500}");
            return false;
        } catch (Throwable e) {
            return fail(description + ": " + Arrays.toString(bytes), e);
        }
    }

    /// One to three changes: a flipped bit, another byte, an extreme 64-bit number, bytes cut out, put in or cut off.
    private static byte[] mutate(byte[] valid, int headerBytes, Random random) {
        byte[] bytes = valid.clone();
        for (int change = random.nextInt(3); change >= 0 && bytes.length > 0; change--) {
            int at = random.nextInt(Math.min(headerBytes, bytes.length));
            switch (random.nextInt(6)) {
                case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> bytes[at] = (byte) random.nextInt();
                case 2 -> {
                    long[] extremes = {0, 1, -1, Long.MAX_VALUE, Long.MIN_VALUE, 1L << 60, 1L << 32, 1L << 31, 1 << 20};
                    if (at + Long.BYTES <= bytes.length) {
                        LittleEndian.putLong(bytes, at, extremes[random.nextInt(extremes.length)]);
                    }
                }
                case 3 -> bytes = splice(bytes, at, Math.min(1 + random.nextInt(9), bytes.length - at), new byte[0]);
                case 4 -> {
                    byte[] more = new byte[1 + random.nextInt(9)];
                    random.nextBytes(more);
                    bytes = splice(bytes, at, 0, more);
                }
                default -> bytes = Arrays.copyOf(bytes, at);
            }
        }
        return bytes;
    }

    private static byte[] splice(byte[] bytes, int at, int removed, byte[] inserted) {
        return new LittleEndian()
                .raw(Arrays.copyOf(bytes, at))
                .raw(inserted)
                .raw(Arrays.copyOfRange(bytes, at + removed, bytes.length))
                .toBytes();
    }
}
