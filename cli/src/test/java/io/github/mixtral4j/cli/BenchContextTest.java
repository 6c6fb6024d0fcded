package io.github.mixtral4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import io.github.mixtral4j.testkit.TinyConfig;
import io.github.mixtral4j.testkit.TinyMixtral;
import io.github.mixtral4j.testkit.TinyTokenizer;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// `mixtral bench --context`.
final class BenchContextTest {
    @TempDir
    private static Path folder;

    private static String model;

    @BeforeAll
    static void writeModel() throws IOException {
        model = TinyMixtral.create(TinyConfig.mixtral().withVocabSize(1280), 7)
                .withTokenizer(TinyTokenizer.v3(1280))
                .writeGguf(folder.resolve("tiny.gguf"), TinyMixtral.GgufStyle.DEFAULT)
                .toString();
    }

    @Test
    void decodeAfterAContextStandsBesideDecodeAfterNone() {
        Cli result = Cli.run(
                "bench",
                model,
                "--prefill",
                "2",
                "--decode",
                "3",
                "--repeat",
                "1",
                "--context",
                "1000",
                "--kv-type",
                "q8_0",
                "--json");
        assertThat(result.code()).as(result.err()).isEqualTo(0);
        JsonNode context = Json.MAPPER.readTree(result.out()).get("context");
        assertThat(context.get("tokens").intValue()).isEqualTo(1000);
        assertThat(context.get("kv_type").stringValue()).isEqualTo("Q8_0");
        double empty = context.get("empty_decode_tokens_per_second").doubleValue();
        double filled = context.get("decode_tokens_per_second").doubleValue();
        assertThat(empty).isPositive();
        assertThat(filled).isPositive();
        // Of one pair the ratio is the quotient; the median of several is not quite, least of all on a busy machine.
        assertThat(context.get("speed_kept").doubleValue()).isCloseTo(filled / empty, withinPercentage(0.1));
    }

    @Test
    void aContextThatDoesNotFitTheModelIsRefusedFirst() {
        assertThat(Cli.run("bench", model, "--decode", "64", "--context", "961"))
                .isEqualTo(new Cli(
                        2,
                        "",
                        "mixtral bench: --context and --decode together must be at most 1024, the model's context"
                                + " length, got 961 and 64\n"));
        assertThat(Cli.run("bench", "absent.gguf", "--context", "0"))
                .isEqualTo(new Cli(2, "", "mixtral bench: --context must be at least 1, got 0\n"));
    }
}
