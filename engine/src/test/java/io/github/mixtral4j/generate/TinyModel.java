package io.github.mixtral4j.generate;

import io.github.mixtral4j.kernel.KernelKind;
import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.model.Mixtral;
import io.github.mixtral4j.model.TestModel;
import io.github.mixtral4j.testkit.TinyConfig;
import io.github.mixtral4j.testkit.TinyMixtral;
import io.github.mixtral4j.testkit.TinyTokenizer;
import io.github.mixtral4j.tokenizer.Tokenizer;
import io.github.mixtral4j.tokenizer.Vocabulary;

/// The engine's model and tokenizer over testkit's tiny weights, without files.
final class TinyModel implements AutoCloseable {
    static final int VOCAB_SIZE = 512;

    final TinyMixtral tiny;
    final Mixtral model;
    /// Kernels that give a row of floats the same in every company, so that texts can be compared.
    private final Kernels kernels = Kernels.create(KernelKind.VECTOR, 2);

    TinyModel(TinyMixtral tiny) {
        this.tiny = tiny;
        model = TestModel.of(tiny, kernels);
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

    @Override
    public void close() {
        kernels.close();
    }
}
