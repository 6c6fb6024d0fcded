package io.github.mixtral4j.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.github.mixtral4j.checkpoint.CheckpointException;
import io.github.mixtral4j.testkit.TinyConfig;
import io.github.mixtral4j.testkit.TinyMixtral;
import io.github.mixtral4j.testkit.TinyMixtral.GgufStyle;
import io.github.mixtral4j.testkit.TinyTokenizer;
import io.github.mixtral4j.tokenizer.TokenizerException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Damaged headers and configs of whole models: each loads, or is refused with an exception that says why.
class LoadMutationTest {
    private static final TinyMixtral MODEL = TinyMixtral.create(
                    new TinyConfig(32, 32, 1, 2, 1, 16, 420, 2, 1, 64, 1e-5, 1e6), 5)
            .withTokenizer(TinyTokenizer.v1(420));

    private static final int CASES = 80;

    @TempDir
    Path folder;

    @Test
    void damagedGguf() throws IOException {
        Path file = MODEL.writeGguf(folder.resolve("m.gguf"), GgufStyle.DEFAULT);
        // Most of the header is the vocabulary; its ends hold the model's numbers and the tensors.
        byte[] valid = Files.readAllBytes(file);
        int tensors = indexOf(valid, "tokenizer.ggml.token_type");
        damage(file, file, 0, 600, CASES);
        damage(file, file, tensors, 3000, CASES);
    }

    @Test
    void damagedConfigs() throws IOException {
        MODEL.writeHuggingFace(folder.resolve("hf"), 1);
        MODEL.writeMistral(folder.resolve("mistral"), 1);
        damage(folder.resolve("hf/config.json"), folder.resolve("hf"), 0, Integer.MAX_VALUE, CASES);
        damage(folder.resolve("mistral/params.json"), folder.resolve("mistral"), 0, Integer.MAX_VALUE, CASES);
    }

    private static void damage(Path file, Path model, int from, int length, int cases) throws IOException {
        byte[] valid = Files.readAllBytes(file);
        assertThat(loads(model, "undamaged")).isTrue();
        Random random = new Random(20240410);
        int loading = 0;
        for (int i = 0; i < cases; i++) {
            byte[] damaged = valid.clone();
            for (int change = random.nextInt(2); change >= 0; change--) {
                int at = from + random.nextInt(Math.min(length, valid.length - from));
                damaged[at] = (byte) (random.nextBoolean() ? damaged[at] ^ 1 << random.nextInt(8) : random.nextInt());
            }
            Files.write(file, damaged);
            loading += loads(model, file.getFileName() + ", case " + i) ? 1 : 0;
        }
        Files.write(file, valid);
        assertThat(loading).isBetween(1, cases * 95 / 100);
    }

    private static boolean loads(Path path, String description) {
        try (LoadedModel loaded = ModelLoader.load(path)) {
            loaded.tokenizer();
            return true;
        } catch (CheckpointException | TokenizerException e) {
            assertThat(e.getMessage()).as(description).isNotBlank();
            return false;
        } catch (Throwable e) {
            return fail(description, e);
        }
    }

    private static int indexOf(byte[] bytes, String text) {
        return new String(bytes, StandardCharsets.ISO_8859_1).indexOf(text);
    }
}
