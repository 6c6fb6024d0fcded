package io.github.mixtral4j.train.loop;

import static io.github.mixtral4j.train.loop.ToyRun.TWENTY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.mixtral4j.train.TrainException;
import io.github.mixtral4j.train.loop.Outcome.End;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Runs that end before their time and go on.
final class ResumeTest {
    @TempDir
    private Path first;

    @TempDir
    private Path second;

    @Test
    void anInterruptedRunGoesOnToTheSameLossesAndParameters() throws IOException {
        List<Float> whole = new ArrayList<>();
        ToyRun run = new ToyRun(first);
        run.run(run.config(TWENTY), false, whole);

        List<Float> parts = new ArrayList<>();
        ToyRun interrupted = new ToyRun(second).after((trainer, step) -> {
            if (step.step() == 7 || step.step() == 13) {
                trainer.stop();
            }
        });
        Path config = interrupted.config(TWENTY);
        assertThat(interrupted.run(config, false).end()).isEqualTo(End.INTERRUPTED);
        assertThat(interrupted.checkpoints()).contains("step-00000007");
        assertThat(interrupted.run(config, true).step()).isEqualTo(13);
        assertThat(interrupted.run(config, true, parts).end()).isEqualTo(End.FINISHED);

        assertThat(interrupted.metrics()).isEqualTo(run.metrics());
        assertThat(parts).isEqualTo(whole);
    }

    @Test
    void aCrashedRunTakesTheLostStepsAgain() throws IOException {
        ToyRun run = new ToyRun(first).threads(2);
        run.run(run.config(TWENTY), false);

        ToyRun crashed = new ToyRun(second).after((_, step) -> {
            if (step.step() == 13) {
                throw new IllegalStateException("crash");
            }
        });
        Path config = crashed.config(TWENTY);
        assertThatThrownBy(() -> crashed.run(config, false)).hasMessage("crash");
        assertThat(crashed.checkpoints()).containsExactly("step-00000005", "step-00000010");
        assertThat(crashed.metrics()).hasSize(14);
        crashed.after((_, _) -> {}).run(config, true);

        assertThat(crashed.messages)
                .contains("going on after step 10 from " + crashed.output().resolve("checkpoints/step-00000010"));
        assertThat(crashed.metrics()).isEqualTo(run.metrics());
    }

    @Test
    void aKilledProcessLosesAtMostTheInterval() throws IOException, InterruptedException {
        ToyRun whole = new ToyRun(first);
        whole.run(whole.config(TWENTY), false);

        ToyRun killed = new ToyRun(second);
        Path config = killed.config(TWENTY);
        Process child = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--add-modules",
                        "jdk.incubator.vector",
                        "-cp",
                        System.getProperty("java.class.path"),
                        SlowToy.class.getName(),
                        config.toString())
                .redirectErrorStream(true)
                .redirectOutput(second.resolve("log").toFile())
                .start();
        try {
            Path wanted = killed.output().resolve("checkpoints/step-00000010");
            for (int i = 0; i < 600 && child.isAlive() && !Files.exists(wanted); i++) {
                Thread.sleep(100);
            }
        } finally {
            child.destroyForcibly();
        }
        assertThat(child.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(child.exitValue())
                .as(Files.readString(second.resolve("log")))
                .isEqualTo(128 + 9);
        assertThat(killed.checkpoints()).contains("step-00000010").doesNotContain("step-00000020");
        killed.run(config, true);

        assertThat(killed.metrics()).isEqualTo(whole.metrics());
    }

    /// The program of the child that is killed.
    static final class SlowToy {
        public static void main(String[] args) throws IOException {
            Path config = Path.of(args[0]);
            new ToyRun(config.resolveSibling(""))
                    .after((_, step) -> sleep(step.step() < 10 ? 5 : 500))
                    .run(config, false);
        }

        private static void sleep(long millis) {
            try {
                Thread.sleep(millis);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    @Test
    void aRunIsNotOverwrittenNorMixedWithAnother() throws IOException {
        ToyRun run = new ToyRun(first);
        Path config = run.config(TWENTY);
        run.run(config, false);
        assertThatThrownBy(() -> run.run(config, false))
                .isInstanceOf(TrainException.class)
                .hasMessage(run.output() + ": holds a run already (step-00000020); go on with it by --resume, or name"
                        + " another output folder");
        run.config(TWENTY.replace("sequence_length: 16", "sequence_length: 15"));
        assertThatThrownBy(() -> run.run(config, true))
                .hasMessage(config + ": data.sequence_length is 15, but 16 when "
                        + run.output().resolve("checkpoints/step-00000020")
                        + " was written; set it back, or begin a new"
                        + " run in another output folder");
        run.config(TWENTY);
        String texts = Files.readString(first.resolve("train.jsonl"));
        Files.writeString(first.resolve("train.jsonl"), texts.substring(texts.indexOf('\n')));
        assertThatThrownBy(() -> run.run(config, true))
                .hasMessageMatching(".*: data is 59 samples of \\d+ tokens, but 60 samples of \\d+ tokens when .*");
        List<String> lines = new ArrayList<>(texts.lines().toList());
        Collections.swap(lines, 3, 4);
        Files.write(first.resolve("train.jsonl"), lines);
        assertThatThrownBy(() -> run.run(config, true))
                .hasMessageMatching(
                        ".*: the content of the data is checksum [0-9a-f]+, but checksum [0-9a-f]+ when .*");
        Files.writeString(first.resolve("train.jsonl"), texts);
        run.config(TWENTY.replace("steps: 20", "steps: 22"));
        assertThat(run.run(config, true).step()).isEqualTo(22);
        ToyRun twice = new ToyRun(first)
                .after((_, _) -> assertThatThrownBy(() -> new ToyRun(first).run(config, true))
                        .hasMessage(run.output() + ": another process trains in this folder"));
        run.config(TWENTY.replace("steps: 20", "steps: 23"));
        assertThat(twice.run(config, true).step()).isEqualTo(23);
    }

    @Test
    void damagedCheckpointsAreRecognized() throws IOException {
        ToyRun run = new ToyRun(first);
        Path config = run.config(TWENTY);
        run.run(config, false);
        Path folder = run.output().resolve("checkpoints/step-00000020");
        byte[] bytes = Files.readAllBytes(folder.resolve("gradient-squares.f32"));
        bytes[100] ^= 1;
        Files.write(folder.resolve("gradient-squares.f32"), bytes);
        String remedy = ": damaged; delete its folder to go on from the checkpoint before it";
        assertThatThrownBy(() -> run.run(config, true)).hasMessage(folder.resolve("gradient-squares.f32") + remedy);
        Files.writeString(folder.resolve("state.json"), "{");
        assertThatThrownBy(() -> run.run(config, true)).hasMessage(folder.resolve("state.json") + remedy);
        Files.writeString(folder.resolve("state.json"), "{\"parameters\": [\"a [1, 2]\"]}");
        assertThatThrownBy(() -> run.run(config, true))
                .hasMessage(folder + ": holds a [1, 2] where model.table.weight [61, 61] is expected; it is the"
                        + " checkpoint of another model");
    }

    @Test
    void aStepThatIsStoppedIsEvaluatedAllTheSame() throws IOException {
        ToyRun whole = new ToyRun(first);
        whole.run(whole.config(TWENTY), false);

        ToyRun stopped = new ToyRun(second).in((trainer, step) -> {
            if (step == 8) {
                trainer.stop();
            }
        });
        Path config = stopped.config(TWENTY);
        assertThat(stopped.run(config, false).step()).isEqualTo(8);
        stopped.in((_, _) -> {}).run(config, true);
        assertThat(stopped.metrics()).isEqualTo(whole.metrics());
    }

    @Test
    void patienceMayBeAddedWhenTheBestCheckpointIsGone() throws IOException {
        new ToyRun(first).texts("eval.jsonl", 20, 7); // what follows there is not what training teaches
        String worse = TWENTY.replace("{every: 4}", "{every: 1}")
                        .replace("{every: 5}", "{every: 5, keep: 1}")
                        .replace("steps: 20", "steps: 200")
                + "schedule: {kind: constant}\noptimizer: {learning_rate: 0.3}\n";
        ToyRun run = new ToyRun(first).in((trainer, step) -> {
            if (step == 12) {
                trainer.stop();
            }
        });
        run.run(run.config(worse), false);
        run.in((_, _) -> {});
        Outcome outcome = run.run(run.config(worse.replace("{every: 1}", "{every: 1, patience: 2}")), true);
        assertThat(outcome.end()).isEqualTo(End.STOPPED_EARLY);
        assertThat(run.messages)
                .contains(
                        "evaluation.patience is 2 now, and was not set",
                        "the parameters are those of step " + (outcome.step() - 2) + ", the best evaluation");
    }

    @Test
    void howFastItLearnsMayBeChanged() throws IOException {
        ToyRun run = new ToyRun(first).with(model -> model.poisonedFrom(11));
        assertThatThrownBy(() -> run.run(run.config(TWENTY), false)).isInstanceOf(TrainException.class);
        Outcome outcome = run.with(model -> model).run(run.config(TWENTY + "optimizer: {learning_rate: 0.01}\n"), true);
        assertThat(outcome.end()).isEqualTo(End.FINISHED);
        assertThat(run.messages).contains("optimizer.learning_rate is 0.01 now, and was 0.05");
    }

    @Test
    void anotherBaseIsNoticed() throws IOException {
        ToyRun run = new ToyRun(first);
        Path config = run.config(TWENTY);
        run.run(config, false);
        Files.writeString(first.resolve("none"), "another");
        assertThatThrownBy(() -> run.run(config, true))
                .hasMessageMatching(".*: the content of model.base is 7 bytes with checksum [0-9a-f]+, but 7 bytes .*");
    }
}
