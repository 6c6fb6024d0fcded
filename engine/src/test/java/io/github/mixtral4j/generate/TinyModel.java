package io.github.mixtral4j.generate;

import io.github.mixtral4j.kernel.KernelKind;
import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.model.DenseWeights;
import io.github.mixtral4j.model.FeedForwardWeights;
import io.github.mixtral4j.model.LayerWeights;
import io.github.mixtral4j.model.Mixtral;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.model.MixtralWeights;
import io.github.mixtral4j.model.MoeWeights;
import io.github.mixtral4j.model.RopeLayout;
import io.github.mixtral4j.model.SwigluWeights;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Shape;
import io.github.mixtral4j.tensor.Tensor;
import io.github.mixtral4j.testkit.RawTensor;
import io.github.mixtral4j.testkit.TinyConfig;
import io.github.mixtral4j.testkit.TinyMixtral;
import io.github.mixtral4j.testkit.TinyTokenizer;
import io.github.mixtral4j.tokenizer.Tokenizer;
import io.github.mixtral4j.tokenizer.Vocabulary;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.stream.IntStream;

/// The engine's model and tokenizer over testkit's tiny weights, without files.
final class TinyModel implements AutoCloseable {
    static final int VOCAB_SIZE = 512;

    final TinyMixtral tiny;
    final Mixtral model;
    private final Arena arena = Arena.ofShared();
    /// Kernels that give a row of floats the same in every company, so that texts can be compared.
    private final Kernels kernels = Kernels.create(KernelKind.VECTOR, 2);

    TinyModel(TinyMixtral tiny) {
        this.tiny = tiny;
        TinyConfig c = tiny.config();
        var config = new MixtralConfig(
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
                RopeLayout.INTERLEAVED);
        var weights = new MixtralWeights(
                tensor("tok_embeddings.weight"),
                IntStream.range(0, c.numLayers()).mapToObj(this::layer).toList(),
                tensor("norm.weight"),
                tensor("output.weight"));
        model = new Mixtral(config, weights, kernels);
    }

    /// A small mixture of experts with the vocabulary of [#tokenizer()].
    static TinyModel create() {
        return new TinyModel(
                TinyMixtral.create(new TinyConfig(64, 128, 2, 4, 2, 16, VOCAB_SIZE, 4, 2, 1024, 1e-5, 1e6), 3));
    }

    static Tokenizer tokenizer() {
        TinyTokenizer t = TinyTokenizer.v1(VOCAB_SIZE);
        return Tokenizer.of(Vocabulary.ofGguf("tiny", t.pieces(), t.scores(), t.types(), 1, 2, 0, true));
    }

    private LayerWeights layer(int i) {
        String at = "layers." + i + ".";
        return new LayerWeights(
                tensor(at + "attention_norm.weight"),
                tensor(at + "attention.wq.weight"),
                tensor(at + "attention.wk.weight"),
                tensor(at + "attention.wv.weight"),
                tensor(at + "attention.wo.weight"),
                tensor(at + "ffn_norm.weight"),
                feedForward(at + "feed_forward."));
    }

    private FeedForwardWeights feedForward(String at) {
        if (tiny.config().numExperts() == 1) {
            return new DenseWeights(swiglu(at));
        }
        return new MoeWeights(
                tensor(at + "gate.weight"),
                IntStream.range(0, tiny.config().numExperts())
                        .mapToObj(e -> swiglu(at + "experts." + e + "."))
                        .toList());
    }

    private SwigluWeights swiglu(String at) {
        return new SwigluWeights(tensor(at + "w1.weight"), tensor(at + "w3.weight"), tensor(at + "w2.weight"));
    }

    private Tensor tensor(String name) {
        RawTensor raw = tiny.tensors().get(name);
        MemorySegment data = arena.allocate(raw.bytes().length, 64).copyFrom(MemorySegment.ofArray(raw.bytes()));
        return new Tensor(name, DType.valueOf(raw.format().name()), Shape.of(raw.dims()), data);
    }

    @Override
    public void close() {
        try (arena) {
            kernels.close();
        }
    }
}
