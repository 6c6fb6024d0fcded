package io.github.mixtral4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

final class PromptCommandTest {
    private static final String REQUEST = "{\"messages\": [{\"role\": \"user\", \"content\": \"Hello\"}]}";

    @TempDir
    private Path folder;

    private static String tokenizer(String version) {
        return Project.fixture("conformance/tokenizer.model." + version).toString();
    }

    @Test
    void rendersTheFormatOfTheVocabulary() {
        Cli v1 = Cli.withInput(REQUEST, "prompt", "--tokenizer", tokenizer("v1"), "-");
        assertThat(v1).isEqualTo(new Cli(0, """
                        <s>▁[INST]▁Hello▁[/INST]
                        [1, 733, 16289, 28793, 22557, 733, 28748, 16289, 28793]
                        """, ""));
        Cli v3 = Cli.withInput(REQUEST, "prompt", "--tokenizer", tokenizer("v3"), "-");
        assertThat(v3).isEqualTo(new Cli(0, """
                        <s>[INST]▁Hello[/INST]
                        [1, 3, 23325, 4]
                        """, ""));
    }

    @Test
    void jsonHasTextAndIds() throws IOException {
        Path file = Files.writeString(folder.resolve("request.json"), REQUEST);
        Cli result = Cli.run("prompt", "--tokenizer", tokenizer("v3"), "--format", "v1", file.toString(), "--json");
        JsonNode object = Json.MAPPER.readTree(result.out());
        assertThat(object.propertyNames()).containsExactly("text", "ids");
        assertThat(object.get("text").stringValue()).isEqualTo("<s>▁[INST]▁Hello▁[/INST]");
    }

    @Test
    void mistakesInTheRequestAreNamed() {
        assertThat(Cli.withInput("{", "prompt", "--tokenizer", tokenizer("v3"), "-")
                        .err())
                .startsWith("mixtral prompt: standard input: not JSON: ");
        assertThat(Cli.withInput("[]", "prompt", "--tokenizer", tokenizer("v3"), "-"))
                .isEqualTo(new Cli(1, "", "mixtral prompt: request: expected an object with messages, got []\n"));
        assertThat(Cli.withInput("{\"messages\": 3}", "prompt", "--tokenizer", tokenizer("v3"), "-"))
                .isEqualTo(new Cli(1, "", "mixtral prompt: messages: expected a list, got 3\n"));
    }

    @Test
    void formatsThatDoNotFitAreNamed() {
        assertThat(Cli.withInput(REQUEST, "prompt", "--tokenizer", tokenizer("v3"), "--format", "v7", "-"))
                .isEqualTo(new Cli(2, "", "mixtral prompt: chat format must be v1 or v3, got v7\n"));
        Cli result = Cli.withInput(REQUEST, "prompt", "--tokenizer", tokenizer("v1"), "--format", "v3", "-");
        assertThat(result.code()).isEqualTo(2);
        assertThat(result.err()).contains("[INST]");
    }

    @Test
    void deeplyNestedRequestsAreRefused() {
        String nested = "{\"messages\": " + "[".repeat(100_000) + "]".repeat(100_000) + "}";
        Cli result = Cli.withInput(nested, "prompt", "--tokenizer", tokenizer("v3"), "-");
        assertThat(result.code()).isEqualTo(1);
        assertThat(result.err())
                .startsWith("mixtral prompt: standard input: not JSON: ")
                .hasLineCount(1);
    }
}
