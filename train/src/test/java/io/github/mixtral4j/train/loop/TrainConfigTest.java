package io.github.mixtral4j.train.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.mixtral4j.train.TrainException;
import io.github.mixtral4j.train.loop.TrainConfig.Length;
import io.github.mixtral4j.train.loop.TrainConfig.Model;
import io.github.mixtral4j.train.loop.TrainConfig.Objective;
import io.github.mixtral4j.train.loop.TrainConfig.Source;
import io.github.mixtral4j.train.optim.Schedule;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class TrainConfigTest {
    private static final String SMALLEST = """
            model: {base: model.gguf}
            data: {train: texts.jsonl}
            optimizer: {learning_rate: 6e-5}
            output: out
            """;

    @TempDir
    private Path folder;

    @Test
    void smallestConfigHasDefaults() throws IOException {
        TrainConfig config = read(SMALLEST);

        assertThat(config.model()).isInstanceOfSatisfying(Model.Base.class, base -> {
            assertThat(base.path()).isEqualTo(folder.resolve("model.gguf"));
            assertThat(base.tokenizer()).isEmpty();
        });
        assertThat(config.data().train()).containsExactly(new Source(folder.resolve("texts.jsonl"), 1));
        assertThat(config.data().batchTokens()).isEqualTo(4096);
        assertThat(config.objective()).isEqualTo(new Objective.NextToken());
        assertThat(config.schedule()).isEqualTo(new Schedule.Cosine(6e-5, 0, 0.1));
        assertThat(config.length()).isEqualTo(new Length.Epochs(1));
        assertThat(config.losses().loadBalancing()).isEqualTo(0.02);
        assertThat(config.lora()).isEmpty();
        assertThat(config.output()).isEqualTo(folder.resolve("out"));
    }

    @Test
    void exampleOfTheReferenceIsAConfig() throws IOException {
        Path page = Path.of(System.getProperty("mixtral4j.root"), "docs/reference/train.md");
        String text = Files.readString(page);
        int begin = text.indexOf("```yaml\n") + 8;

        TrainConfig config = read(text.substring(begin, text.indexOf("```", begin)));

        assertThat(config.objective()).isInstanceOf(Objective.Preference.class);
        assertThat(config.settings()).hasSizeGreaterThan(40);
    }

    @Test
    void sourcesMayBeRepeatedAndTargetsChosen() throws IOException {
        TrainConfig config = read("""
                model: {base: model.gguf, chat_format: v1}
                data:
                  train: [a.jsonl, {path: b.jsonl, repeat: 3}]
                lora: {rank: 4, targets: [wq, down_proj], experts: [0, 7]}
                objective: dpo
                dpo: {beta: 0.3}
                optimizer: {learning_rate: 0.001}
                schedule: {kind: one_cycle, pct_start: 0.05}
                steps: 10
                output: out
                """);

        assertThat(config.data().train())
                .containsExactly(new Source(folder.resolve("a.jsonl"), 1), new Source(folder.resolve("b.jsonl"), 3));
        assertThat(config.lora()).hasValueSatisfying(lora -> {
            assertThat(lora.alpha()).isEqualTo(8);
            assertThat(lora.targets()).containsExactly("wq", "down_proj");
            assertThat(lora.experts()).isEqualTo(List.of(0, 7));
        });
        assertThat(config.objective()).isEqualTo(new Objective.Preference(0.3, 0));
        assertThat(config.schedule()).isEqualTo(new Schedule.OneCycle(0.001, 0.05, 25, 1e4));
        assertThat(config.length()).isEqualTo(new Length.Steps(10));
        assertThat(config.settings()).containsEntry("data.train[1].repeat", "3").containsEntry("lora.experts[1]", "7");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            step: 10                               | 5: unknown key step; similar: steps; known here: accumulation, checkpoints, compute, data, dpo, epochs, evaluation, export, lora, losses, model, objective, optimizer, output, recompute, schedule, seed, steps
            schedule: {kind: cosine, warmup: 3}    | 5: unknown key schedule.warmup; known here: final_fraction, kind, warmup_steps
            steps: many                            | 5: steps must be a whole number of at least 1, got many
            steps: 0                               | 5: steps must be a whole number of at least 1, got 0
            steps: 99999999999                     | 5: steps must be a whole number of at least 1, got 99999999999
            steps:                                 | 5: steps must be a whole number of at least 1, got nothing
            seed: [1]                              | 5: seed must be a whole number, got a list
            losses: {router_z: .nan}               | 5: losses.router_z must be a number of at least 0, got .nan
            losses: {prompt: -1}                   | 5: losses.prompt must be a number of at least 0, got -1
            losses: 3                              | 5: losses must be keys with values below it, got 3
            recompute: maybe                       | 5: recompute must be one of true, false, got maybe
            output: elsewhere                      | 5: output stands here twice
            objective: dpo¶losses: {prompt: 1}     | 6: losses.prompt has no meaning if objective is dpo, which compares replies
            objective: dpo¶lora: {dropout: 0.1}    | 6: lora must have no dropout if objective is dpo, which compares replies without it
            objective: dpo¶dpo: {label_smoothing: 0.5} | 6: dpo.label_smoothing must be below 0.5, where both replies are worth the same, got 0.5
            losses: {router_z: 1e300}              | 5: losses.router_z must be a number of at least 0, got 1e300
            schedule: {final_fraction: 0.999999999} | 5: schedule.final_fraction must be a number from 0 to below 1, got 0.999999999
            dpo: {beta: 1}                         | 5: dpo has no meaning unless objective is dpo
            evaluation: {patience: 2}              | 5: evaluation.patience needs evaluation.every, the steps between two evaluations
            evaluation: {every: 2}                 | 5: evaluation needs samples: name them in data.eval, or a share in data.eval_fraction
            lora: {targets: [wq], experts: [0]}    | 5: lora.experts has no meaning unless targets has one of gate_proj, up_proj, down_proj
            lora: {targets: [wq, gate]}            | 5: lora.targets must be of wq, wk, wv, wo, router, gate_proj, up_proj, down_proj, got gate
            """)
    void saysWhatIsWrongAndWhere(String line, String message) throws IOException {
        Path file = write(SMALLEST + line.replace('¶', '\n') + "\n");
        assertThatThrownBy(() -> TrainConfig.read(file))
                .isInstanceOf(TrainException.class)
                .hasMessage(file + ":" + message);
    }

    @Test
    void aliasesThatMultiplyAreRefused() throws IOException {
        Path file = write(SMALLEST + "losses: &a [x, x]\nlora: &b [*a, *a]\ndpo: [*b, *b]\n");
        assertThatThrownBy(() -> TrainConfig.read(file))
                .isInstanceOf(TrainException.class)
                .hasMessageStartingWith(file + ": not YAML: Number of aliases");
    }

    @Test
    void saysWhatIsMissing() throws IOException {
        Path file = write("model: {}\noptimizer: {}\n");
        assertThatThrownBy(() -> TrainConfig.read(file))
                .hasMessage(file + ":1: model.base is missing; name a checkpoint there, or describe a model with random"
                        + " weights under new");
        assertThatThrownBy(() -> read(SMALLEST.replace("learning_rate: 6e-5", "beta1: 0.8")))
                .hasMessage(file + ":3: optimizer.learning_rate is missing");
        assertThatThrownBy(() -> read("- a\n- b\n"))
                .hasMessage(file + ": expected keys with values, such as \"steps: 1000\"");
        assertThatThrownBy(() -> read("")).hasMessage(file + ": expected keys with values, such as \"steps: 1000\"");
    }

    @Test
    void refusesWhatIsNotText() throws IOException {
        Path file = Files.write(folder.resolve("train.yaml"), new byte[] {(byte) 0xff, 0, 1});
        assertThatThrownBy(() -> TrainConfig.read(file)).hasMessage(file + ": not text in UTF-8");
        assertThatThrownBy(() -> read("{a: b\n"))
                .hasMessage(file + ":2: not YAML: expected ',' or '}', but got <stream end>");
        assertThatThrownBy(() -> read("a: " + "[".repeat(200_000)))
                .isInstanceOf(TrainException.class)
                .hasMessageStartingWith(file + ":");
    }

    @Test
    void newModelNeedsNumbersThatFitEachOther() throws IOException {
        String sizes = "hidden_size: 64, intermediate_size: 96, num_layers: 2, num_heads: 4, num_kv_heads: ";
        TrainConfig config =
                read(SMALLEST.replace("{base: model.gguf}", "{tokenizer: t.model, new: {" + sizes + "2}}"));
        assertThat(config.model()).isInstanceOfSatisfying(Model.New.class, model -> {
            assertThat(model.sizes().withVocabulary(300).headDim()).isEqualTo(16);
            assertThat(model.sizes().numExperts()).isEqualTo(8);
        });
        assertThatThrownBy(() ->
                        read(SMALLEST.replace("{base: model.gguf}", "{tokenizer: t.model, new: {" + sizes + "3}}")))
                .hasMessage(
                        folder.resolve("train.yaml") + ":1: model.new.hidden_size does not go with the other numbers:"
                                + " numHeads (4) must be a multiple of numKvHeads (3)");
    }

    private TrainConfig read(String yaml) throws IOException {
        return TrainConfig.read(write(yaml));
    }

    private Path write(String yaml) throws IOException {
        return Files.writeString(folder.resolve("train.yaml"), yaml);
    }
}
