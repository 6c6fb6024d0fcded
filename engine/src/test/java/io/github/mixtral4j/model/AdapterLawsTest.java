package io.github.mixtral4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.mixtral4j.kernel.KernelKind;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.testkit.BlockFormat;
import io.github.mixtral4j.testkit.TinyConfig;
import io.github.mixtral4j.testkit.TinyMixtral;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Ring 3 for adapters: unmerged is merged, two are their sum, a batch is its rows, and nothing is nothing.
class AdapterLawsTest {
    private static final TestKernels KERNELS = new TestKernels();
    private static final int[] IDS = new Random(3).ints(20, 0, 512).toArray();

    /// Greatest difference of a logit, of which the root mean square is about 2.
    private static final double ROUNDING = 2e-3;

    private static final TinyMixtral TINY = tiny(TinyConfig.mixtral().withExperts(4, 2));
    private static final MixtralConfig CONFIG = TestModel.config(TINY.config(), RopeLayout.INTERLEAVED);
    private static final MixtralWeights WEIGHTS = TestModel.weights(TINY);
    private static final Adapter EVERYWHERE = TestAdapters.random(CONFIG, 5, 1, target -> true);

    @AfterAll
    static void close() {
        KERNELS.close();
    }

    private static TinyMixtral tiny(TinyConfig config) {
        return TinyMixtral.create(config, 21, name -> BlockFormat.F32);
    }

    private static float[][] logits(KernelKind kind, MixtralWeights weights, List<Adapter> adapters, int... chunks) {
        Mixtral model = new Mixtral(CONFIG, weights, KERNELS.get(kind), adapters);
        return TestModel.logits(model, IDS, DType.F32, chunks);
    }

    @ParameterizedTest
    @EnumSource(
            value = KernelKind.class,
            names = {"SCALAR", "VECTOR", "NATIVE"})
    void unmergedIsMerged(KernelKind kind) {
        List<Adapter> adapters = List.of(EVERYWHERE);
        // One row at a time: for many rows, C may round activations to bfloat16.
        assertClose(
                logits(kind, WEIGHTS, adapters, 1),
                logits(kind, TestAdapters.merged(CONFIG, WEIGHTS, adapters), List.of(), 1));
    }

    @Test
    void unmergedIsMergedInADenseModel() {
        TinyMixtral dense = tiny(TinyConfig.dense());
        MixtralConfig config = TestModel.config(dense.config(), RopeLayout.INTERLEAVED);
        MixtralWeights weights = TestModel.weights(dense);
        List<Adapter> adapters = List.of(TestAdapters.random(config, 3, 2, target -> true));
        Mixtral adapted = new Mixtral(config, weights, KERNELS.get(KernelKind.VECTOR), adapters);
        Mixtral merged =
                new Mixtral(config, TestAdapters.merged(config, weights, adapters), KERNELS.get(KernelKind.VECTOR));
        assertClose(TestModel.logits(adapted, IDS, DType.F32, 20), TestModel.logits(merged, IDS, DType.F32, 20));
    }

    @Test
    void twoAdaptersAreTheirSum() {
        Adapter first = TestAdapters.random(CONFIG, 4, 2, target -> target.layer() == 0 || target.expert() == 1);
        Adapter second = TestAdapters.random(CONFIG, 7, 3, target -> target.kind() != AdapterTarget.Kind.WK)
                .times(-0.7f);
        List<Adapter> both = List.of(first, second);
        float[][] sum = logits(KernelKind.VECTOR, WEIGHTS, both, 20);
        assertClose(sum, logits(KernelKind.VECTOR, WEIGHTS, List.of(second, first), 20));
        assertClose(sum, logits(KernelKind.VECTOR, TestAdapters.merged(CONFIG, WEIGHTS, both), List.of(), 20));
    }

    @Test
    void aBatchIsItsRowsOneByOne() {
        float[][] prefill = logits(KernelKind.VECTOR, WEIGHTS, List.of(EVERYWHERE), 20);
        assertClose(logits(KernelKind.VECTOR, WEIGHTS, List.of(EVERYWHERE), 1), prefill);
        assertClose(logits(KernelKind.VECTOR, WEIGHTS, List.of(EVERYWHERE), 2, 11, 4), prefill);
    }

    @Test
    void anAdapterOfScaleZeroChangesNotASingleBit() {
        assertThat(logits(KernelKind.VECTOR, WEIGHTS, List.of(EVERYWHERE.times(0)), 20))
                .isDeepEqualTo(logits(KernelKind.VECTOR, WEIGHTS, List.of(), 20));
    }

    @Test
    void halfTwiceIsOneWhole() {
        Adapter half = EVERYWHERE.times(0.5f);
        assertClose(
                logits(KernelKind.VECTOR, WEIGHTS, List.of(half, half), 20),
                logits(KernelKind.VECTOR, WEIGHTS, List.of(EVERYWHERE), 20));
    }

    @ParameterizedTest
    @EnumSource(AdapterTarget.Kind.class)
    void everyKindOfMatrixCanBeChangedAlone(AdapterTarget.Kind kind) {
        List<Adapter> adapters = List.of(TestAdapters.random(CONFIG, 2, 4, target -> target.kind() == kind));
        float[][] adapted = logits(KernelKind.VECTOR, WEIGHTS, adapters, 20);
        assertThat(worst(adapted, logits(KernelKind.VECTOR, WEIGHTS, List.of(), 20)))
                .isGreaterThan(0.1);
        assertClose(adapted, logits(KernelKind.VECTOR, TestAdapters.merged(CONFIG, WEIGHTS, adapters), List.of(), 20));
    }

    /// In the last layer, so that nothing carries the change from one token to another.
    @Test
    void aChangedExpertChangesOnlyTheTokensThatGoToIt() {
        int last = CONFIG.numLayers() - 1;
        Adapter one = TestAdapters.random(
                CONFIG, 4, 5, target -> target.layer() == last && target.kind().isOfExpert() && target.expert() == 2);
        List<Boolean> goes = new ArrayList<>();
        Mixtral base = new Mixtral(CONFIG, WEIGHTS, KERNELS.get(KernelKind.VECTOR));
        try (KvCache cache = KvCache.allocate(CONFIG, 20, DType.F32);
                Workspace work = Workspace.allocate(CONFIG, 20, 20)) {
            work.observe(new ForwardObserver() {
                @Override
                public void routing(int layer, Rows logits, Routing routing) {
                    for (int row = 0; layer == last && row < routing.rows(); row++) {
                        goes.add(routing.choice(row, 0) == 2 || routing.choice(row, 1) == 2);
                    }
                }
            });
            float[][] plain = TestModel.logits(base, IDS, cache, cache.openSequence(), work, 20);
            float[][] adapted = logits(KernelKind.VECTOR, WEIGHTS, List.of(one), 20);
            assertThat(goes).contains(true, false);
            for (int t = 0; t < IDS.length; t++) {
                assertThat(!Arrays.equals(adapted[t], plain[t]))
                        .as("token " + t)
                        .isEqualTo(goes.get(t));
            }
        }
    }

    @Test
    void aForeignAdapterIsRefused() {
        MixtralConfig larger = TestModel.config(TinyConfig.mixtral().withNumLayers(3), RopeLayout.INTERLEAVED);
        assertRefused(
                TestAdapters.random(larger, 2, 6, target -> target.layer() == 2),
                "random 6: changes layer 2 wq, which a model of 2 layers and 4 experts does not have");
        assertRefused(
                TestAdapters.random(larger, 2, 6, target -> target.expert() == 5),
                "random 6: changes layer 0 expert 5 gateProj, which a model of 2 layers and 4 experts does not have");
        Map<AdapterTarget, LowRank> turned = new LinkedHashMap<>();
        AdapterTarget down = new AdapterTarget(1, AdapterTarget.Kind.DOWN_PROJ, 3);
        AdapterTarget up = new AdapterTarget(1, AdapterTarget.Kind.UP_PROJ, 3);
        LowRank change = EVERYWHERE.changes().get(up);
        assertThat(change).isNotNull();
        turned.put(down, change);
        assertRefused(
                new Adapter("turned", turned),
                "turned: changes layer 1 expert 3 downProj as a matrix [512, 256]; in this model it is [256, 512]");
    }

    private static void assertRefused(Adapter adapter, String message) {
        assertThatThrownBy(() -> new Mixtral(CONFIG, WEIGHTS, KERNELS.get(KernelKind.VECTOR), List.of(adapter)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message);
    }

    @Test
    void matricesWithoutACommonRankAreRefused() {
        var a = TestAdapters.tensor("a", 2, 8, new float[16]);
        var b = TestAdapters.tensor("b", 8, 3, new float[24]);
        assertThatThrownBy(() -> new LowRank(a, b, 1)).hasMessage("a [2, 8] and b [8, 3] have no common rank");
        var c = TestAdapters.tensor("b", 8, 2, new float[16]);
        assertThatThrownBy(() -> new LowRank(a, c, Float.NaN))
                .hasMessage("a: the scale must be a finite number, got NaN");
    }

    private static void assertClose(float[][] got, float[][] want) {
        assertThat(worst(got, want)).isLessThan(ROUNDING);
    }

    private static double worst(float[][] got, float[][] want) {
        double worst = 0;
        for (int t = 0; t < want.length; t++) {
            for (int i = 0; i < want[t].length; i++) {
                double difference = Math.abs(got[t][i] - want[t][i]);
                worst = difference <= worst ? worst : difference;
            }
        }
        return worst;
    }
}
