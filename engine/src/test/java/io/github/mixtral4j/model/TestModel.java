package io.github.mixtral4j.model;

import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.tensor.Shape;
import io.github.mixtral4j.tensor.Tensor;
import io.github.mixtral4j.testkit.RawTensor;
import io.github.mixtral4j.testkit.TinyConfig;
import io.github.mixtral4j.testkit.TinyMixtral;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/// A testkit model in the engine's records, and short ways to run it. Made without the loader, so that a mistake there
/// cannot hide one here.
public final class TestModel {
    private static final Arena ARENA = Arena.ofAuto();

    private TestModel() {}

    /// The engine's config of a testkit model.
    public static MixtralConfig config(TinyConfig c, RopeLayout rope) {
        return new MixtralConfig(
                c.hiddenSize(),
                c.intermediateSize(),
                c.numLayers(),
                c.numHeads(),
                c.numKvHeads(),
                c.headDim(),
                c.vocabSize(),
                c.numExperts(),
                c.numExpertsPerToken(),
                c.contextLength(),
                (float) c.rmsNormEps(),
                (float) c.ropeTheta(),
                rope);
    }

    /// The model over these kernels, rotary pairs interleaved.
    public static Mixtral of(TinyMixtral tiny, Kernels kernels) {
        return new Mixtral(config(tiny.config(), RopeLayout.INTERLEAVED), weights(tiny), kernels);
    }

    static MixtralWeights weights(TinyMixtral tiny) {
        return weights(tiny, RopeLayout.INTERLEAVED);
    }

    /// @param rope order of the rows of wq and wk
    static MixtralWeights weights(TinyMixtral tiny, RopeLayout rope) {
        int headDim = tiny.config().headDim();
        List<LayerWeights> layers = new ArrayList<>();
        for (int i = 0; i < tiny.config().numLayers(); i++) {
            String layer = "layers." + i + ".";
            layers.add(new LayerWeights(
                    tensor(tiny, layer + "attention_norm"),
                    ordered(tensor(tiny, layer + "attention.wq"), headDim, rope),
                    ordered(tensor(tiny, layer + "attention.wk"), headDim, rope),
                    tensor(tiny, layer + "attention.wv"),
                    tensor(tiny, layer + "attention.wo"),
                    tensor(tiny, layer + "ffn_norm"),
                    feedForward(tiny, layer + "feed_forward.")));
        }
        return new MixtralWeights(tensor(tiny, "tok_embeddings"), layers, tensor(tiny, "norm"), tensor(tiny, "output"));
    }

    private static FeedForwardWeights feedForward(TinyMixtral tiny, String prefix) {
        if (!tiny.config().isMixture()) {
            return new DenseWeights(swiglu(tiny, prefix));
        }
        List<SwigluWeights> experts = new ArrayList<>();
        for (int e = 0; e < tiny.config().numExperts(); e++) {
            experts.add(swiglu(tiny, prefix + "experts." + e + "."));
        }
        return new MoeWeights(tensor(tiny, prefix + "gate"), experts);
    }

    private static SwigluWeights swiglu(TinyMixtral tiny, String prefix) {
        return new SwigluWeights(tensor(tiny, prefix + "w1"), tensor(tiny, prefix + "w3"), tensor(tiny, prefix + "w2"));
    }

    static Tensor tensor(TinyMixtral tiny, String name) {
        RawTensor raw = tiny.tensors().get(name + ".weight");
        // At an odd address, as tensors of a file may lie.
        MemorySegment data = ARENA.allocate(raw.bytes().length + 66L, 64).asSlice(66, raw.bytes().length);
        data.copyFrom(MemorySegment.ofArray(raw.bytes()));
        return new Tensor(name, DType.valueOf(raw.format().name()), Shape.of(raw.dims()), data);
    }

    private static Tensor ordered(Tensor w, int headDim, RopeLayout rope) {
        if (rope == RopeLayout.INTERLEAVED) {
            return w;
        }
        MemorySegment data = ARENA.allocate(w.data().byteSize(), 64);
        for (int row = 0; row < w.rows(); row++) {
            int pair = row % headDim / 2;
            int to = row - row % headDim + (row % 2 == 0 ? pair : pair + headDim / 2);
            MemorySegment.copy(w.data(), row * w.rowBytes(), data, to * w.rowBytes(), w.rowBytes());
        }
        return new Tensor(w.name(), w.dtype(), w.shape(), data);
    }

    /// Runs one sequence from an empty cache in chunks of these sizes and returns the logits of every token.
    static float[][] logits(Mixtral model, int[] ids, DType cacheType, int... chunks) {
        try (KvCache cache = KvCache.allocate(model.config(), ids.length, cacheType);
                Workspace work = Workspace.allocate(model.config(), ids.length, ids.length)) {
            return logits(model, ids, cache, cache.openSequence(), work, chunks);
        }
    }

    /// Continues a sequence with `ids` in chunks of these sizes, the last size repeated as often as needed.
    static float[][] logits(Mixtral model, int[] ids, KvCache cache, int sequence, Workspace work, int... chunks) {
        float[][] logits = new float[ids.length][];
        int start = cache.length(sequence);
        for (int done = 0, i = 0; done < ids.length; i++) {
            int count = Math.min(chunks[Math.min(i, chunks.length - 1)], ids.length - done);
            Batch batch = Batch.ofSequence(sequence, start + done, ids, done, count, all(count));
            model.forward(batch, cache, work);
            for (int row = 0; row < count; row++) {
                logits[done + row] = row(work.logits(), row);
            }
            done += count;
        }
        return logits;
    }

    /// Continues a sequence with `ids` in one step, without logits.
    static void fill(Mixtral model, int[] ids, KvCache cache, int sequence, Workspace work) {
        int start = cache.length(sequence);
        model.forward(Batch.ofSequence(sequence, start, ids, 0, ids.length, new int[0]), cache, work);
    }

    static float[] row(Rows rows, int row) {
        float[] values = new float[rows.cols()];
        MemorySegment.copy(rows.data(), Rows.FLOAT, rows.offset(row), values, 0, values.length);
        return values;
    }

    static int[] all(int count) {
        return IntStream.range(0, count).toArray();
    }
}
