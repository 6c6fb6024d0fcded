package io.github.mixtral4j.model;

import static io.github.mixtral4j.testkit.MiniJson.array;
import static io.github.mixtral4j.testkit.MiniJson.doubles;
import static io.github.mixtral4j.testkit.MiniJson.get;
import static io.github.mixtral4j.testkit.MiniJson.ints;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.mixtral4j.kernel.KernelKind;
import io.github.mixtral4j.load.LoadedModel;
import io.github.mixtral4j.load.ModelLoader;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.testkit.Fixtures;
import io.github.mixtral4j.testkit.MiniJson;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Ring 4: the golden model through loader and engine against the float64 oracle's answers.
class GoldenModelTest {
    private static final TestKernels KERNELS = new TestKernels();

    @BeforeEach
    void needsGoldenModels() {
        assumeTrue(Fixtures.present(), Fixtures.ABSENT);
    }

    @AfterAll
    static void close() {
        KERNELS.close();
    }

    /// What the engine answers to a prompt.
    private record Answer(float[][] logits, Recorder seen) {
        float[] last() {
            return logits[logits.length - 1];
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gguf/BF16.gguf", "hf", "mistral"})
    void exactWeightsGiveTheOraclesAnswers(String container) throws IOException {
        try (LoadedModel loaded = ModelLoader.load(Fixtures.path("golden/a/" + container))) {
            for (Object c : cases()) {
                int[] ids = ints(get(c, "ids"));
                int last = ids.length - 1;
                String prompt = container + ", " + ids.length + " tokens: ";
                Answer answer = run(loaded, KernelKind.VECTOR, ids, DType.F32);
                assertThat(kl(doubles(get(c, "last_logits")), answer.last()))
                        .as(prompt + "KL")
                        .isLessThan(1e-9);
                for (int l = 0; l < loaded.config().numLayers(); l++) {
                    assertNear(
                            prompt + "router",
                            answer.seen.routerLogits(l).get(last),
                            doubles(array(get(c, "router_logits_last")).get(l)));
                }
                assertThat(differingChoices(answer, c)).as(prompt + "choices").isZero();
                assertNear(
                        prompt + "hidden",
                        answer.seen.stage(ForwardObserver.Stage.OUTPUT_NORM, 2).get(last),
                        doubles(get(c, "hidden_last")));
                if (last > 0) {
                    assertThat(nll(answer.logits, ids)).isCloseTo((Double) get(c, "nll_mean"), within(1e-5));
                }
            }
        }
    }

    /// The usual cache rounds keys and values to float16, which may turn a choice that is nearly a tie.
    @Test
    void exactWeightsWithTheUsualCacheStayWithinTheLimits() throws IOException {
        try (LoadedModel loaded = ModelLoader.load(Fixtures.path("golden/a/gguf/BF16.gguf"))) {
            int choices = 0;
            int differ = 0;
            for (Object c : cases()) {
                Answer answer = run(loaded, KernelKind.VECTOR, ints(get(c, "ids")), DType.F16);
                assertThat(kl(doubles(get(c, "last_logits")), answer.last())).isLessThan(1e-5);
                choices += answer.logits.length * loaded.config().numLayers();
                differ += differingChoices(answer, c);
            }
            assertThat(differ).as("choices that differ of " + choices).isLessThan(choices / 100);
        }
    }

    /// The limits of `tools/check_golden.py` for kernels that multiply in bfloat16.
    @ParameterizedTest
    @ValueSource(strings = {"BF16", "split-experts-F16"})
    void nativeKernelsGiveTheOraclesAnswersToTheRoundingOfBfloat16(String file) throws IOException {
        try (LoadedModel loaded = ModelLoader.load(Fixtures.path("golden/a/gguf/" + file + ".gguf"))) {
            int choices = 0;
            int differ = 0;
            double[] kls = new double[cases().size()];
            for (int i = 0; i < kls.length; i++) {
                Object c = cases().get(i);
                Answer answer = run(loaded, KernelKind.NATIVE, ints(get(c, "ids")), DType.F16);
                kls[i] = kl(doubles(get(c, "last_logits")), answer.last());
                choices += answer.logits.length * loaded.config().numLayers();
                differ += differingChoices(answer, c);
            }
            Arrays.sort(kls);
            assertThat(kls[kls.length / 2])
                    .as("median of " + Arrays.toString(kls))
                    .isLessThanOrEqualTo(1e-3);
            assertThat(differ).as("choices that differ of " + choices).isLessThanOrEqualTo(choices / 100);
        }
    }

    private static int differingChoices(Answer answer, Object expected) {
        int differ = 0;
        List<Object> layers = array(get(expected, "experts"));
        for (int l = 0; l < layers.size(); l++) {
            List<Object> tokens = array(layers.get(l));
            for (int t = 0; t < tokens.size(); t++) {
                differ += Arrays.equals(answer.seen.experts(l).get(t), ints(tokens.get(t))) ? 0 : 1;
            }
        }
        return differ;
    }

    @Test
    void expertsApartGiveTheOraclesAnswers() throws IOException {
        try (LoadedModel loaded = ModelLoader.load(Fixtures.path("golden/a/gguf/split-experts-F16.gguf"))) {
            for (Object c : cases()) {
                Answer answer = run(loaded, KernelKind.VECTOR, ints(get(c, "ids")), DType.F16);
                assertThat(kl(doubles(get(c, "last_logits")), answer.last())).isLessThan(1e-5);
            }
        }
    }

    static Stream<Arguments> quantized() {
        return TestKernels.fast()
                .flatMap(kind -> Stream.of("Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q4_0", "Q3_K_M", "Q2_K")
                        .map(type -> Arguments.of(kind, type)));
    }

    /// The limits of `tools/check_golden.py`: activations may be quantized, and that may flip a choice that is nearly
    /// a tie.
    @ParameterizedTest
    @MethodSource("quantized")
    void quantizedWeightsGiveTheOraclesAnswersOverTheSameWeights(KernelKind kind, String type) throws IOException {
        String json = Files.readString(Fixtures.path("golden/a/expected-quantized.json"));
        List<Object> expected = array(get(get(MiniJson.parse(json), "types"), type));
        try (LoadedModel loaded = ModelLoader.load(Fixtures.path("golden/a/gguf/" + type + ".gguf"))) {
            double[] kls = new double[expected.size()];
            int flips = 0;
            for (int i = 0; i < kls.length; i++) {
                int[] ids = ints(get(cases().get(i), "ids"));
                Answer answer = run(loaded, kind, ids, DType.F16);
                kls[i] = kl(doubles(get(expected.get(i), "last_logits")), answer.last());
                for (int l = 0; l < loaded.config().numLayers(); l++) {
                    int[] want =
                            ints(array(get(expected.get(i), "experts_last")).get(l));
                    int[] got = answer.seen.experts(l).get(ids.length - 1).clone();
                    Arrays.sort(want);
                    Arrays.sort(got);
                    flips += Arrays.equals(want, got) ? 0 : 1;
                }
            }
            Arrays.sort(kls);
            assertThat((kls[1] + kls[2]) / 2)
                    .as("median of " + Arrays.toString(kls))
                    .isLessThanOrEqualTo(3e-3);
            assertThat(kls[2]).as("worst but one of " + Arrays.toString(kls)).isLessThanOrEqualTo(3e-2);
            assertThat(flips).as("expert choices that differ").isLessThanOrEqualTo(1);
        }
    }

    private static Answer run(LoadedModel loaded, KernelKind kind, int[] ids, DType cacheType) {
        Mixtral model = new Mixtral(loaded.config(), loaded.weights(), KERNELS.get(kind));
        Recorder seen = new Recorder();
        try (KvCache cache = KvCache.allocate(model.config(), ids.length, cacheType);
                Workspace work = Workspace.allocate(model.config(), ids.length, ids.length)) {
            work.observe(seen);
            return new Answer(TestModel.logits(model, ids, cache, cache.openSequence(), work, ids.length), seen);
        }
    }

    private static List<Object> cases() throws IOException {
        String json = Files.readString(Fixtures.path("golden/a/expected.json"));
        return array(get(MiniJson.parse(json), "cases"));
    }

    private static void assertNear(String what, float[] got, double[] want) {
        for (int i = 0; i < want.length; i++) {
            assertThat((double) got[i]).as(what + " " + i).isCloseTo(want[i], within(1e-4));
        }
    }

    /// Kullback-Leibler divergence of the engine's next-token distribution from the oracle's, in nats.
    private static double kl(double[] oracle, float[] logits) {
        double[] engine = new double[logits.length];
        for (int i = 0; i < engine.length; i++) {
            engine[i] = logits[i];
        }
        double[] p = logSoftmax(oracle);
        double[] q = logSoftmax(engine);
        double sum = 0;
        for (int i = 0; i < p.length; i++) {
            sum += Math.exp(p[i]) * (p[i] - q[i]);
        }
        return sum;
    }

    private static double nll(float[][] logits, int[] ids) {
        double sum = 0;
        for (int t = 0; t + 1 < ids.length; t++) {
            double[] row = new double[logits[t].length];
            for (int i = 0; i < row.length; i++) {
                row[i] = logits[t][i];
            }
            sum -= logSoftmax(row)[ids[t + 1]];
        }
        return sum / (ids.length - 1);
    }

    private static double[] logSoftmax(double[] x) {
        double max = Arrays.stream(x).max().orElseThrow();
        double log = max + Math.log(Arrays.stream(x).map(v -> Math.exp(v - max)).sum());
        return Arrays.stream(x).map(v -> v - log).toArray();
    }
}
