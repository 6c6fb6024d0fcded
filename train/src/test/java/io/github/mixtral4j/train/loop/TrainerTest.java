package io.github.mixtral4j.train.loop;

import static io.github.mixtral4j.train.loop.ToyRun.TWENTY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.mixtral4j.train.TrainException;
import io.github.mixtral4j.train.loop.Outcome.End;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class TrainerTest {
    @TempDir
    private Path first;

    @TempDir
    private Path second;

    @Test
    void lossFallsAndEverythingIsWritten() throws IOException {
        ToyRun run = new ToyRun(first);
        Outcome outcome = run.run(run.config(TWENTY), false);

        assertThat(outcome.end()).isEqualTo(End.FINISHED);
        assertThat(outcome.step()).isEqualTo(20);
        assertThat(run.loss(-1)).isLessThan(0.7 * run.loss(0));
        assertThat(run.metrics()).hasSize(21);
        assertThat(run.metrics().getFirst()).startsWith("{\"step\":0,\"eval_loss\":");
        assertThat(run.metrics().get(4))
                .contains("\"step\":4")
                .contains("\"eval_loss\":")
                .contains("\"expert_load\":[[");
        assertThat(run.checkpoints()).containsExactly("step-00000015", "step-00000020");
        assertThat(outcome.checkpoint()).hasValue(run.output().resolve("checkpoints/step-00000020"));
        assertThat(Files.readString(run.output().resolve("report.html")))
                .contains("<polyline", "evaluation", "layer 1, expert 3", "20 of 20")
                .doesNotContain("http", "src=", "NaN");
    }

    @Test
    void threadsAndSeedDecideWhatTheyShould() throws IOException {
        ToyRun one = new ToyRun(first);
        one.run(one.config(TWENTY), false);
        ToyRun three = new ToyRun(second).threads(3);
        three.run(three.config(TWENTY), false);
        assertThat(three.metrics()).isEqualTo(one.metrics());

        Folders.delete(second.resolve("out"));
        three.run(three.config(TWENTY + "seed: 1\n"), false);
        assertThat(three.metrics()).isNotEqualTo(one.metrics());
    }

    @Test
    void epochsAreCountedInSteps() throws IOException {
        ToyRun run = new ToyRun(first);
        Outcome outcome = run.run(run.config("epochs: 2\naccumulation: 3\n"), false);
        assertThat(outcome.step()).isEqualTo(outcome.steps()).isGreaterThan(2);
        assertThat(outcome.last().orElseThrow().epoch()).isEqualTo(2);
    }

    @Test
    void accumulatedBatchesAreOneBigBatch() throws IOException {
        String line = "{\"text\": \"1 2 3 4\"}\n";
        Files.writeString(first.resolve("train.jsonl"), line + line.replace('4', '5'));
        ToyRun run = new ToyRun(first);
        String data = "steps: 1\ndata: {train: train.jsonl, sequence_length: 10, batch_tokens: %d}\n";
        StepMetrics small = run.run(run.config(data.formatted(10) + "accumulation: 2\n"), false)
                .last()
                .orElseThrow();
        Folders.delete(run.output());
        StepMetrics large =
                run.run(run.config(data.formatted(20)), false).last().orElseThrow();
        assertThat(small.tokens()).isEqualTo(large.tokens());
        assertThat(small.loss()).isCloseTo(large.loss(), within(1e-9));
        assertThat(small.gradientNorm()).isCloseTo(large.gradientNorm(), within(1e-6));
    }

    @Test
    void nanStopsWithTheLastGoodState() throws IOException {
        ToyRun run = new ToyRun(first).with(model -> model.poisonedFrom(11));
        Path config = run.config(TWENTY);
        assertThatThrownBy(() -> run.run(config, false))
                .isInstanceOf(TrainException.class)
                .hasMessage(
                        "step 11: the loss is NaN. Training stopped; the last good state is "
                                + run.output().resolve("checkpoints/step-00000005")
                                + ". A lower optimizer.learning_rate, a longer warm-up or a smaller optimizer.clip_norm may help");
        // The state of step 10 is the one that gave NaN.
        assertThat(run.checkpoints()).containsExactly("step-00000005", "step-00000010.not-finite");
        assertThat(run.metrics()).hasSize(11);
    }

    @Test
    void theStateBeforeTheLastStaysUntilTheLastHasGivenAStep() throws IOException {
        String one = TWENTY.replace("{every: 5}", "{every: 5, keep: 1}");
        ToyRun run = new ToyRun(first).with(model -> model.poisonedFrom(11));
        Path config = run.config(one);
        assertThatThrownBy(() -> run.run(config, false))
                .hasMessageContaining("the last good state is " + run.output().resolve("checkpoints/step-00000005"));
        ToyRun good = new ToyRun(second);
        good.run(good.config(one), false);
        assertThat(good.checkpoints()).containsExactly("step-00000020");
    }

    @Test
    void evaluationsThatGetWorseEndTheRunWithTheBestParameters() throws IOException {
        new ToyRun(first).texts("eval.jsonl", 20, 7); // what follows there is not what training teaches
        ToyRun run = new ToyRun(first);
        Path config = run.config(
                TWENTY.replace("{every: 4}", "{every: 1, patience: 2}").replace("steps: 20", "steps: 200")
                        + "schedule: {kind: constant}\noptimizer: {learning_rate: 0.3}\n");
        Outcome outcome = run.run(config, false);
        assertThat(outcome.end()).isEqualTo(End.STOPPED_EARLY);
        int best = outcome.step() - 2;
        assertThat(run.messages).contains("the parameters are those of step " + best + ", the best evaluation");
        assertThat(run.checkpoints()).contains("step-%08d".formatted(best));
        assertThat(run.run(config, true).end()).isEqualTo(End.STOPPED_EARLY);
    }

    @Test
    void preferencesAreLearntAgainstTheModelAsItWas() throws IOException {
        String pairs = "{\"prompt\": \"1\", \"chosen\": \"2 2\", \"rejected\": \"3\"}\n"
                + "{\"prompt\": \"4\", \"chosen\": \"5\", \"rejected\": \"6 6 6\"}\n";
        Files.writeString(first.resolve("train.jsonl"), pairs);
        Files.writeString(second.resolve("train.jsonl"), pairs);
        String dpo = "objective: dpo\nsteps: 12\ncheckpoints: {every: 4}\n";
        ToyRun run = new ToyRun(first);
        StepMetrics last = run.run(run.config(dpo), false).last().orElseThrow();
        assertThat(run.loss(0)).isCloseTo(Math.log(2), within(1e-9));
        assertThat(run.loss(-1)).isLessThan(0.55);
        assertThat(last.preferred()).hasValue(1);

        ToyRun crashed = new ToyRun(second).after((_, step) -> {
            if (step.step() == 6) {
                throw new IllegalStateException("crash");
            }
        });
        Path config = crashed.config(dpo);
        assertThatThrownBy(() -> crashed.run(config, false)).hasMessage("crash");
        crashed.after((_, _) -> {}).run(config, true);
        assertThat(crashed.metrics()).isEqualTo(run.metrics());
    }

    @Test
    void aStateThatCannotBeSavedIsSaid() throws IOException {
        ToyRun run = new ToyRun(first);
        Path config = run.config(TWENTY);
        Path folder = run.output().resolve("checkpoints");
        Files.createDirectories(run.output());
        Files.writeString(folder, "a file where a folder has to be");
        assertThatThrownBy(() -> run.run(config, false))
                .isInstanceOf(IOException.class)
                .hasMessage(folder.resolve("step-00000005") + ": cannot save step 5: Not a directory;"
                        + " 45 kB are needed. Training stopped; no state has been saved yet");
    }
}
