package io.github.mixtral4j.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.mixtral4j.kernel.KernelKind;
import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.model.ForwardObserver.Stage;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.testkit.BlockFormat;
import io.github.mixtral4j.testkit.ReferenceMixtral;
import io.github.mixtral4j.testkit.ReferenceTrace;
import io.github.mixtral4j.testkit.TinyConfig;
import io.github.mixtral4j.testkit.TinyMixtral;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Ring 2: after every sub-layer the engine shows what [ReferenceMixtral] makes, in double precision, of the same
/// input.
/// Each sub-layer is given the engine's own residual stream, so that its error is seen alone and the rounding of one
/// cannot turn the routing of the next.
class ReferenceLayersTest {
    private static final TestKernels KERNELS = new TestKernels();
    private static final int SEED = 5;

    /// Greatest errors, relative to the root mean square of a stage.
    ///
    /// @param linear of what a matrix gives
    /// @param heads of attention: softmax over scores of several units multiplies the error of queries and keys
    /// @param experts of three matrices in a row
    private record Errors(double linear, double heads, double experts) {}

    private static final Errors FLOAT = new Errors(2e-5, 1e-4, 2e-5);
    private static final Errors HALF_CACHE = new Errors(2e-5, 4e-2, 2e-5);
    /// Kernels may quantize the activations of a few rows to 8 bits. What enters downProj has a long tail and suffers
    /// most.
    private static final Errors QUANTIZED = new Errors(5e-2, 2e-1, 2e-1);
    /// The same for many rows, of which an expert may get a few.
    private static final Errors QUANTIZED_EXPERTS = new Errors(2e-5, 1e-4, 2e-1);

    @AfterAll
    static void close() {
        KERNELS.close();
    }

    /// Native kernels may round to 8 bits or to bfloat16 whatever is not F32.
    private static Errors errors(KernelKind kind, DType type, Errors ofVectorKernels) {
        return kind == KernelKind.NATIVE && type != DType.F32 ? QUANTIZED : ofVectorKernels;
    }

    static Stream<KernelKind> fast() {
        return TestKernels.fast();
    }

    static Stream<Arguments> fastInEveryFormat() {
        return TestKernels.fastInEveryFormat();
    }

    @ParameterizedTest
    @MethodSource("fastInEveryFormat")
    void manyRowsAgreeInEveryFormat(KernelKind kind, DType type) {
        Errors errors = errors(kind, type, type.isQuantized() ? QUANTIZED_EXPERTS : FLOAT);
        check(tiny(TinyConfig.mixtral(), type), KERNELS.get(kind), 24, DType.F32, errors, 24);
    }

    @ParameterizedTest
    @MethodSource("fastInEveryFormat")
    void singleRowsAgreeInEveryFormat(KernelKind kind, DType type) {
        Errors errors = errors(kind, type, type.isQuantized() ? QUANTIZED : FLOAT);
        check(tiny(TinyConfig.mixtral(), type), KERNELS.get(kind), 5, DType.F32, errors, 1);
    }

    @ParameterizedTest
    @EnumSource
    void scalarKernelsAgreeInEveryFormat(DType type) {
        check(tiny(TinyConfig.mixtral(), type), KERNELS.get(KernelKind.SCALAR), 4, DType.F32, FLOAT, 3, 1);
    }

    @ParameterizedTest
    @MethodSource("fast")
    void halfPrecisionCacheAgreesToItsRounding(KernelKind kind) {
        Errors errors = errors(kind, DType.BF16, HALF_CACHE);
        check(tiny(TinyConfig.mixtral(), DType.BF16), KERNELS.get(kind), 24, DType.F16, errors, 20, 1);
    }

    @ParameterizedTest
    @MethodSource("fast")
    void denseModelAgrees(KernelKind kind) {
        Errors errors = errors(kind, DType.BF16, FLOAT);
        check(tiny(TinyConfig.dense(), DType.BF16), KERNELS.get(kind), 10, DType.F32, errors, 8, 1);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 6})
    void anyNumberOfExpertsPerTokenAgrees(int perToken) {
        TinyConfig config = TinyConfig.mixtral().withExperts(6, perToken);
        for (KernelKind kind : List.of(KernelKind.VECTOR, KernelKind.NATIVE)) {
            check(tiny(config, DType.BF16), KERNELS.get(kind), 10, DType.F32, errors(kind, DType.BF16, FLOAT), 8, 1);
        }
    }

    private static TinyMixtral tiny(TinyConfig config, DType type) {
        return TinyMixtral.create(config, SEED, name -> BlockFormat.valueOf(type.name()));
    }

    private static void check(
            TinyMixtral tiny, Kernels kernels, int tokens, DType cacheType, Errors errors, int... chunks) {
        ReferenceMixtral reference = new ReferenceMixtral(tiny.weights());
        Mixtral model = TestModel.of(tiny, kernels);
        int[] ids = new Random(SEED).ints(tokens, 0, 512).toArray();
        Recorder seen = new Recorder();
        float[][] logits;
        try (KvCache cache = KvCache.allocate(model.config(), tokens, cacheType);
                Workspace work = Workspace.allocate(model.config(), tokens, tokens)) {
            work.observe(seen);
            logits = TestModel.logits(model, ids, cache, cache.openSequence(), work, chunks);
        }
        assertClose(
                "embedding",
                seen.stage(Stage.EMBEDDING, 0),
                reference.forward(ids).embedding(),
                0);
        List<float[]> x = seen.stage(Stage.EMBEDDING, 0);
        for (int layer = 0; layer < tiny.config().numLayers(); layer++) {
            checkAttention(layer, seen, reference.attention(layer, doubles(x)), errors);
            x = seen.stage(Stage.ATTENTION, layer);
            checkFeedForward(layer, seen, reference.feedForward(layer, doubles(x)), tiny.config(), errors);
            x = seen.stage(Stage.BLOCK, layer);
        }
        assertClose("logits", Arrays.asList(logits), reference.logits(doubles(x)), errors.linear);
    }

    private static void checkAttention(int l, Recorder seen, ReferenceTrace.Attention want, Errors errors) {
        String at = "layer " + l + " ";
        assertClose(at + "attention norm", seen.stage(Stage.ATTENTION_NORM, l), want.norm(), FLOAT.linear);
        assertClose(at + "query", seen.stage(Stage.QUERY, l), want.queries(), errors.linear);
        assertClose(at + "key", seen.stage(Stage.KEY, l), want.keys(), errors.linear);
        assertClose(at + "value", seen.stage(Stage.VALUE, l), want.values(), errors.linear);
        assertClose(at + "heads", seen.stage(Stage.HEADS, l), want.heads(), errors.heads);
        assertClose(at + "after attention", seen.stage(Stage.ATTENTION, l), want.residual(), errors.heads);
    }

    private static void checkFeedForward(
            int l, Recorder seen, ReferenceTrace.FeedForward want, TinyConfig config, Errors errors) {
        String at = "layer " + l + " ";
        assertClose(at + "experts' norm", seen.stage(Stage.FFN_NORM, l), want.norm(), FLOAT.linear);
        if (config.isMixture()) {
            // The router is never quantized.
            assertClose(at + "router", seen.routerLogits(l), want.routerLogits(), FLOAT.linear);
            for (int t = 0; t < want.experts().length; t++) {
                assertThat(seen.experts(l).get(t))
                        .as(at + "experts of token " + t)
                        .isEqualTo(want.experts()[t]);
            }
            assertClose(at + "experts' weights", seen.expertWeights(l), want.expertWeights(), FLOAT.linear);
        }
        assertClose(at + "experts", seen.stage(Stage.FFN, l), want.output(), errors.experts);
        assertClose(at + "output", seen.stage(Stage.BLOCK, l), want.residual(), errors.experts);
    }

    private static double[][] doubles(List<float[]> rows) {
        double[][] copy = new double[rows.size()][];
        for (int t = 0; t < copy.length; t++) {
            copy[t] = new double[rows.get(t).length];
            for (int c = 0; c < copy[t].length; c++) {
                copy[t][c] = rows.get(t)[c];
            }
        }
        return copy;
    }

    private static void assertClose(String what, List<float[]> got, double[][] want, double error) {
        assertThat(got).as(what + " rows").hasSize(want.length);
        double squares = 0;
        double worst = 0;
        String where = "";
        for (int t = 0; t < want.length; t++) {
            assertThat(got.get(t)).as(what + " of token " + t).hasSize(want[t].length);
            for (int c = 0; c < want[t].length; c++) {
                squares += want[t][c] * want[t][c] / want[t].length / want.length;
                double difference = Math.abs(got.get(t)[c] - want[t][c]);
                if (!(difference <= worst)) {
                    worst = difference;
                    where = " [" + t + ", " + c + "]: " + got.get(t)[c] + ", want " + want[t][c];
                }
            }
        }
        assertThat(worst / Math.sqrt(squares)).as(what + where).isLessThanOrEqualTo(error);
    }
}
