package io.github.mixtral4j.cli;

import static io.github.mixtral4j.cli.Cli.json;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.mixtral4j.testkit.TinyConfig;
import io.github.mixtral4j.testkit.TinyMixtral;
import io.github.mixtral4j.testkit.TinyTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

final class GenerationOptionsTest {
    @TempDir
    private Path folder;

    @Test
    void aTextEndsWhereTheFilesOfTheModelSaySo() throws IOException {
        TinyMixtral.create(TinyConfig.mixtral(), 7)
                .withTokenizer(TinyTokenizer.v1(512))
                .writeHuggingFace(folder, 1);
        StringBuilder every = new StringBuilder();
        TokenIds.append(every, IntStream.range(0, 512).toArray());
        Files.writeString(folder.resolve("generation_config.json"), "{\"eos_token_id\": " + every + "}");
        JsonNode result = json("run", folder.toString(), "-p", "ab", "-n", "8", "--temperature", "0", "--json");
        assertThat(result.get("finish_reason").stringValue()).isEqualTo("stop");
        assertThat(result.get("completion_tokens").intValue()).isEqualTo(1);
    }
}
