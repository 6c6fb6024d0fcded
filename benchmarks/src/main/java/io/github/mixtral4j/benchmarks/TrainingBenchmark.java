package io.github.mixtral4j.benchmarks;

import io.github.mixtral4j.kernel.KernelKind;
import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.model.RopeLayout;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.train.model.PackedBatch;
import io.github.mixtral4j.train.model.Parameter;
import io.github.mixtral4j.train.model.StepLosses;
import io.github.mixtral4j.train.model.TrainableMixtral;
import io.github.mixtral4j.train.model.TrainingOptions;
import io.github.mixtral4j.train.optim.AdamW;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/// A full step of training: forward, backward, clipping, AdamW. Hidden size 256, 6 layers, 8 heads on 2, 8 experts of
/// 512 of which 2 are chosen, a vocabulary of 4096, 8 samples of 512 random tokens. The score is tokens per second;
/// `gigaflops` counts 6 operations for every active parameter and token, as is usual, and attention not at all. Runs
/// with
/// the collector of `mixtral train`, G1.
@State(Scope.Benchmark)
@Fork(
        value = 1,
        jvmArgs = {
            "--add-modules=jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-Xmx3g",
            "-XX:+UseG1GC"
        })
@Warmup(iterations = 3, time = 20)
@Measurement(iterations = 5, time = 20)
@OutputTimeUnit(TimeUnit.SECONDS)
// JMH calls setUp before anything else.
@SuppressWarnings("NullAway.Init")
public class TrainingBenchmark {
    private static final int SAMPLES = 8;
    private static final int LENGTH = 512;
    private static final int TOKENS = SAMPLES * LENGTH;
    private static final MixtralConfig CONFIG =
            new MixtralConfig(256, 512, 6, 8, 2, 32, 4096, 8, 2, 2048, 1e-5f, 1e4f, RopeLayout.HALF_SPLIT);

    /// VECTOR is pure Java; AUTO is C where it runs.
    @Param({"VECTOR", "AUTO"})
    public KernelKind kernels;

    /// Format of the products: F32 or BF16.
    @Param({"F32", "BF16"})
    public DType compute;

    /// Threads of the kernels.
    @Param("2")
    public int threads;

    private Kernels running;
    private TrainableMixtral model;
    private AdamW optimizer;
    private Arena moments;
    private PackedBatch batch;
    private double activeParameters;

    /// Makes model and data.
    @Setup(Level.Trial)
    public void setUp() {
        running = Kernels.create(kernels, threads);
        TrainingOptions options = new TrainingOptions(TOKENS, compute, false, 0.01, false, 0.001, 1);
        model = TrainableMixtral.random(running, CONFIG, options, 1);
        moments = Arena.ofShared();
        AdamW.Settings settings = new AdamW.Settings(0.9, 0.95, 1e-8, 0.1);
        optimizer = new AdamW(model.parameters(), settings, running.training(), moments);
        batch = batch();
        for (Parameter p : model.parameters()) {
            double share = p.name().contains(".experts.")
                    ? (double) CONFIG.numExpertsPerToken() / CONFIG.numExperts()
                    : p.name().contains("embed_tokens") ? 0 : 1;
            activeParameters += share * p.rows() * p.cols();
        }
    }

    private static PackedBatch batch() {
        Random random = new Random(1);
        int[] tokens = random.ints(TOKENS, 0, CONFIG.vocabSize()).toArray();
        int[] positions = new int[TOKENS];
        int[] starts = new int[SAMPLES];
        float[] weights = new float[TOKENS];
        Arrays.setAll(positions, i -> i % LENGTH);
        Arrays.setAll(starts, i -> i * LENGTH);
        Arrays.fill(weights, 1);
        return new PackedBatch(tokens, positions, starts, weights);
    }

    /// Looks whether the model has learnt the tokens by heart, as it has to, and frees the memory.
    @TearDown(Level.Trial)
    public void tearDown() {
        StepLosses losses = model.evaluate(batch);
        double loss = losses.lossSum() / losses.weightSum();
        if (!(loss < Math.log(CONFIG.vocabSize()))) {
            throw new IllegalStateException("the loss is " + loss + " and has not fallen");
        }
        model.close();
        moments.close();
        running.close();
    }

    /// One step.
    @Benchmark
    @OperationsPerInvocation(TOKENS)
    public StepLosses step(Work work) {
        model.parameters().forEach(p -> p.gradient().data().fill((byte) 0));
        StepLosses losses = model.forwardBackward(batch, 1f / (TOKENS - SAMPLES), 1);
        optimizer.step(1e-3, Math.min(1, 1 / optimizer.gradientNorm()));
        model.parametersChanged();
        work.gigaflops += 6e-9 * activeParameters * TOKENS;
        return losses;
    }
}
