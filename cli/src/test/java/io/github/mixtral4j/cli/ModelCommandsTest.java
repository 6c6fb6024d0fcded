package io.github.mixtral4j.cli;

import static io.github.mixtral4j.cli.Cli.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.mixtral4j.testkit.ReferenceMixtral;
import io.github.mixtral4j.testkit.ReferenceTrace;
import io.github.mixtral4j.testkit.TinyConfig;
import io.github.mixtral4j.testkit.TinyMixtral;
import io.github.mixtral4j.testkit.TinyTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// inspect, logits, run and perplexity, on one tiny model in every container.
final class ModelCommandsTest {
    private static final TinyMixtral MODEL =
            TinyMixtral.create(TinyConfig.mixtral().withVocabSize(1280), 7).withTokenizer(TinyTokenizer.v3(1280));
    private static final int[] IDS = {1, 42, 7, 300, 511, 42, 42, 19, 250, 11};

    @TempDir
    private static Path folder;

    private static String gguf;
    private static List<String> containers;

    @BeforeAll
    static void writeModel() throws IOException {
        gguf = MODEL.writeGguf(folder.resolve("tiny.gguf"), TinyMixtral.GgufStyle.DEFAULT)
                .toString();
        Path old = MODEL.writeGguf(folder.resolve("old.gguf"), new TinyMixtral.GgufStyle(2, false, 2));
        Path huggingFace = Files.createDirectory(folder.resolve("hf"));
        MODEL.writeHuggingFace(huggingFace, 2);
        Path mistral = Files.createDirectory(folder.resolve("mistral"));
        MODEL.writeMistral(mistral, 1);
        containers = List.of(gguf, old.toString(), huggingFace.toString(), mistral.toString());
    }

    private static String ids() {
        return String.join(",", Arrays.stream(IDS).mapToObj(Integer::toString).toList());
    }

    @Test
    void logitsAreTheReferencesInEveryContainer() {
        ReferenceTrace expected = new ReferenceMixtral(MODEL.weights()).forward(IDS);
        for (String container : containers) {
            JsonNode result =
                    json("logits", container, "--ids", ids(), "--kernels", "vector", "--kv-type", "f32", "--json");
            assertThat(result.propertyNames()).containsExactly("logits", "experts", "nll", "load_balancing_loss");
            assertThat(result.get("logits").size()).isEqualTo(1280);
            for (int id = 0; id < 1280; id++) {
                assertThat(result.get("logits").get(id).doubleValue())
                        .isCloseTo(expected.lastLogits()[id], within(1e-3));
            }
            assertThat(result.get("nll").doubleValue()).isCloseTo(expected.nllMean(), within(1e-4));
            assertThat(result.get("load_balancing_loss").doubleValue())
                    .isCloseTo(expected.loadBalancingLoss(), within(1e-4));
            for (int layer = 0; layer < MODEL.config().numLayers(); layer++) {
                JsonNode experts = result.get("experts").get(layer);
                assertThat(experts.size()).isEqualTo(IDS.length);
                for (int token = 0; token < IDS.length; token++) {
                    assertThat(TokenIds.of("experts", experts.get(token)))
                            .isEqualTo(expected.layers().get(layer).experts()[token]);
                }
            }
        }
    }

    @Test
    void manyTokensAreScoredAsOnePass() {
        int[] many = IntStream.range(0, 150).map(i -> i * 37 % 1280).toArray();
        StringBuilder list = new StringBuilder();
        TokenIds.append(list, many);
        JsonNode result =
                json("logits", gguf, "--ids", list.toString(), "--kernels", "vector", "--kv-type", "f32", "--json");
        ReferenceTrace expected = new ReferenceMixtral(MODEL.weights()).forward(many);
        assertThat(result.get("nll").doubleValue()).isCloseTo(expected.nllMean(), within(1e-3));
        assertThat(result.get("load_balancing_loss").doubleValue())
                .isCloseTo(expected.loadBalancingLoss(), within(1e-2));
        assertThat(result.get("experts").get(0).size()).isEqualTo(150);
    }

    @Test
    void singleTokenHasNoLoss() {
        assertThat(json("logits", gguf, "--ids", "1", "--json").get("nll").isNull())
                .isTrue();
    }

    @Test
    void expertsPerTokenCanBeChosen() {
        JsonNode result = json("logits", gguf, "--ids", ids(), "--experts-per-token", "3", "--json");
        assertThat(result.get("experts").get(0).get(0).size()).isEqualTo(3);
        assertThat(Cli.run("logits", gguf, "--ids", "1", "--experts-per-token", "99"))
                .isEqualTo(new Cli(
                        2,
                        "",
                        "mixtral logits: experts per token must be at most the model's "
                                + MODEL.config().numExperts() + ", got 99\n"));
    }

    @Test
    void scalarKernelsAndCopiedWeightsAgree() {
        JsonNode mapped = json("logits", gguf, "--ids", ids(), "--kernels", "vector", "--threads", "1", "--json");
        JsonNode copied = json("logits", gguf, "--ids", ids(), "--kernels", "scalar", "--load", "copy", "--json");
        for (int id = 0; id < 1280; id++) {
            assertThat(copied.get("logits").get(id).doubleValue())
                    .isCloseTo(mapped.get("logits").get(id).doubleValue(), within(1e-2));
        }
    }

    @Test
    void whatAutoChoosesIsShownByInspectAndUsedByBench() {
        String shown = json("inspect", gguf, "--json").get("kernels").stringValue();
        assertThat(shown).matches("native \\w+|vector \\(native kernels are unavailable: .+\\)");
        JsonNode bench =
                json("bench", gguf, "--prefill", "2", "--decode", "2", "--repeat", "1", "--threads", "1", "--json");
        assertThat(shown).startsWith(bench.get("kernels").stringValue());
        assertThat(Cli.run("inspect", gguf).out()).contains("\nkernels: " + shown + "\n");
    }

    @Test
    void nativeKernelsAgreeOrSayWhyTheyCannotRun() {
        String shown = json("inspect", gguf, "--json").get("kernels").stringValue();
        if (shown.startsWith("native")) {
            JsonNode vector = json("logits", gguf, "--ids", ids(), "--kernels", "vector", "--json");
            JsonNode nativeLogits = json("logits", gguf, "--ids", ids(), "--kernels", "native", "--json");
            for (int id = 0; id < 1280; id++) {
                assertThat(nativeLogits.get("logits").get(id).doubleValue())
                        .isCloseTo(vector.get("logits").get(id).doubleValue(), within(0.3));
            }
        } else if (shown.contains("no C library")) {
            Cli result = Cli.run("logits", gguf, "--ids", "1", "--kernels", "native");
            assertThat(result.code()).isEqualTo(1);
            assertThat(result.err())
                    .startsWith("mixtral logits: native kernels are unavailable: this build contains no C library for ")
                    .endsWith("; ask for vector kernels, or auto\n");
        }
    }

    @Test
    void idsOutsideTheVocabularyAreNamed() {
        assertThat(Cli.run("logits", gguf, "--ids", "1,1280"))
                .isEqualTo(new Cli(2, "", "mixtral logits: token ids of this model are 0 to 1279, got 1280\n"));
        assertThat(Cli.run("logits", gguf, "--ids", "[]").err()).startsWith("mixtral logits: the model runs 1 to ");
    }

    @Test
    void inspectTellsTheNumbers() {
        for (String container : containers) {
            JsonNode facts = json("inspect", container, "--context", "100", "--json");
            TinyConfig config = MODEL.config();
            assertThat(facts.at("/architecture/num_experts").intValue()).isEqualTo(config.numExperts());
            assertThat(facts.at("/architecture/vocab_size").intValue()).isEqualTo(1280);
            long total = MODEL.tensors().byName().values().stream()
                    .mapToLong(tensor ->
                            Arrays.stream(tensor.dims()).asLongStream().reduce(1, (a, b) -> a * b))
                    .sum();
            assertThat(facts.get("parameters_total").longValue()).isEqualTo(total);
            assertThat(facts.get("parameters_active").longValue()).isLessThan(total);
            long kvBytes = 2L * config.numLayers() * config.kvWidth() * 2;
            assertThat(facts.get("kv_bytes_per_token").longValue()).isEqualTo(kvBytes);
            assertThat(facts.get("memory_bytes").longValue())
                    .isEqualTo(facts.get("weight_bytes").longValue() + 100 * kvBytes);
            long tensorBytes = 0;
            for (JsonNode tensor : facts.get("tensors")) {
                tensorBytes += tensor.get("bytes").longValue();
            }
            assertThat(tensorBytes).isEqualTo(facts.get("weight_bytes").longValue());
        }
    }

    @Test
    void inspectReckonsWithTheFormatOfTheCache() {
        TinyConfig config = MODEL.config();
        JsonNode facts = json("inspect", gguf, "--kv-type", "q8_0", "--json");
        assertThat(facts.get("kv_type").stringValue()).isEqualTo("Q8_0");
        assertThat(facts.get("kv_bytes_per_token").longValue())
                .isEqualTo(2L * config.numLayers() * config.kvWidth() / 32 * 34);
    }

    @Test
    void aCacheOfEightBitsGivesNearlyTheSameText() {
        JsonNode exact = json("logits", gguf, "--ids", ids(), "--json");
        JsonNode rounded = json("logits", gguf, "--ids", ids(), "--kv-type", "q8_0", "--json");
        for (int id = 0; id < 1280; id++) {
            assertThat(rounded.get("logits").get(id).doubleValue())
                    .isCloseTo(exact.get("logits").get(id).doubleValue(), within(0.5));
        }
        assertThat(Cli.run("run", gguf, "-p", "ab", "-n", "3", "--kv-type", "q8_0")
                        .code())
                .isEqualTo(0);
    }

    @Test
    void aCacheOfEightBitsIsRefusedForHeadsThatDoNotFit() throws IOException {
        TinyConfig odd = new TinyConfig(80, 96, 1, 4, 2, 20, 1280, 2, 1, 64, 1e-5, 1e6);
        String file = TinyMixtral.create(odd, 7)
                .withTokenizer(TinyTokenizer.v3(1280))
                .writeGguf(folder.resolve("odd.gguf"), TinyMixtral.GgufStyle.DEFAULT)
                .toString();
        assertThat(Cli.run("logits", file, "--ids", "1").code()).isEqualTo(0);
        String message =
                ": a key/value cache in Q8_0 needs heads of a multiple of 32 elements, those of this model have"
                        + " 20; use F16 (--kv-type f16)\n";
        assertThat(Cli.run("run", file, "-p", "ab", "--kv-type", "q8_0"))
                .isEqualTo(new Cli(2, "", "mixtral run" + message));
        assertThat(Cli.run("inspect", file, "--kv-type", "q8_0"))
                .isEqualTo(new Cli(2, "", "mixtral inspect" + message));
    }

    @Test
    void inspectPrintsForPeopleToo() {
        Cli result = Cli.run("inspect", gguf);
        assertThat(result.code()).isEqualTo(0);
        assertThat(result.out()).contains("container: gguf\n", "  vocab_size: 1280\n", "token_embd.weight");
    }

    @Test
    void sameSeedSameText() {
        List<String> command = List.of("run", gguf, "-p", "ab", "-n", "12", "--seed", "5");
        Cli first = Cli.run(command.toArray(String[]::new));
        assertThat(first.code()).as(first.err()).isEqualTo(0);
        assertThat(first.err()).matches("(?s)\\[prompt \\d+ tokens, .* tokens/s \\| completion \\d+ tokens, .*]\n");
        assertThat(Cli.run(command.toArray(String[]::new)).out()).isEqualTo(first.out());
    }

    @Test
    void everyContainerContinuesAlike() {
        for (String container : containers) {
            JsonNode result =
                    json("run", container, "-p", "ab", "-n", "8", "--temperature", "0", "--ignore-eos", "--json");
            assertThat(result.get("ids"))
                    .isEqualTo(json("run", gguf, "-p", "ab", "-n", "8", "--temperature", "0", "--ignore-eos", "--json")
                            .get("ids"));
            assertThat(result.get("finish_reason").stringValue()).isEqualTo("length");
            assertThat(result.get("completion_tokens").intValue()).isEqualTo(8);
        }
    }

    @Test
    void promptComesFromStandardInputWithoutItsLastLineBreak() {
        Cli piped = Cli.withInput("ab\n", "run", gguf, "-p", "-", "-n", "8", "--temperature", "0");
        assertThat(piped.out())
                .isEqualTo(Cli.run("run", gguf, "-p", "ab", "-n", "8", "--temperature", "0")
                        .out());
    }

    @Test
    void logprobsComeWithTheirAlternatives() {
        JsonNode result = json(
                "run", gguf, "-p", "ab", "-n", "3", "--temperature", "0", "--ignore-eos", "--logprobs", "2", "--json");
        assertThat(result.get("logprobs").size()).isEqualTo(3);
        JsonNode first = result.get("logprobs").get(0);
        assertThat(first.get("id")).isEqualTo(result.get("ids").get(0));
        assertThat(first.get("top").size()).isEqualTo(2);
        assertThat(first.get("logprob").doubleValue()).isLessThan(0);
    }

    @Test
    void mistakesAreFoundBeforeTheModelIsOpened() {
        assertThat(Cli.run("run", "absent.gguf", "-p", "a", "--temperature", "-1"))
                .isEqualTo(new Cli(2, "", "mixtral run: temperature must be >= 0, got -1.0\n"));
        assertThat(Cli.run("run", "absent.gguf", "-p", "a", "-n", "0"))
                .isEqualTo(new Cli(2, "", "mixtral run: --max-tokens must be at least 1, got 0\n"));
        assertThat(Cli.run("run", "absent.gguf", "-p", "a", "--kv-type", "q8"))
                .isEqualTo(new Cli(2, "", "mixtral run: --kv-type must be f16, f32 or q8_0, got q8\n"));
        assertThat(Cli.run("run", "absent.gguf", "-p", "a", "--threads", "0"))
                .isEqualTo(new Cli(2, "", "mixtral run: --threads must be at least 1, got 0\n"));
        assertThat(Cli.run("run", "absent.gguf", "-p", "a"))
                .isEqualTo(new Cli(1, "", "mixtral run: absent.gguf: no such file or folder\n"));
    }

    @Test
    void foreignTokenizerIsRefused() {
        String other = Project.fixture("conformance/tokenizer.model.v3").toString();
        assertThat(Cli.run("run", gguf, "-p", "a", "--tokenizer", other))
                .isEqualTo(new Cli(
                        1,
                        "",
                        "mixtral run: " + other + ": has 32768 pieces, but the model's vocabulary only 1280; it is not"
                                + " the tokenizer of this model\n"));
    }

    @Test
    void perplexityIsTheMeanLossOfTheSecondHalves() throws IOException {
        Path text = Files.writeString(folder.resolve("text.txt"), "ab ba ca ac bb ".repeat(30));
        JsonNode result = json("perplexity", gguf, text.toString(), "--context", "32", "--json");
        assertThat(result.get("perplexity").doubleValue())
                .isCloseTo(Math.exp(result.get("nll").doubleValue()), within(1e-6));
        assertThat(result.get("standard_error").doubleValue()).isPositive();
        Cli shown = Cli.run("perplexity", gguf, text.toString(), "--context", "32");
        assertThat(shown.out()).matches("perplexity [\\d.]+ ± [\\d.]+ over \\d+ tokens in \\d+ windows of 32\n");
        assertThat(shown.err()).startsWith("window 1 of ");
    }
}
