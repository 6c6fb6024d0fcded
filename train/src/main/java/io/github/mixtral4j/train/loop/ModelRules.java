package io.github.mixtral4j.train.loop;

import io.github.mixtral4j.checkpoint.Names;
import io.github.mixtral4j.load.LoadedModel;
import io.github.mixtral4j.load.TokenizerLoader;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.tokenizer.PieceType;
import io.github.mixtral4j.tokenizer.Tokenizer;
import io.github.mixtral4j.tokenizer.Vocabulary;
import io.github.mixtral4j.train.TrainException;
import io.github.mixtral4j.train.loop.TrainConfig.Lora;
import io.github.mixtral4j.train.loop.TrainConfig.Model;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// What must hold between a config, its base and its tokenizer, found out before a training begins.
final class ModelRules {
    private ModelRules() {}

    /// The tokenizer that the config names, or that of the base.
    ///
    /// @throws TrainException if there is none, or the base was trained with another
    static Tokenizer tokenizer(TrainConfig config, Optional<LoadedModel> base) throws IOException {
        Optional<Tokenizer> own = base.isPresent() ? base.get().tokenizer() : Optional.empty();
        Optional<Path> named = config.model().tokenizer();
        if (named.isPresent()) {
            Tokenizer tokenizer = TokenizerLoader.open(named.get());
            own.ifPresent(other -> requireSamePieces(config, tokenizer, other));
            return tokenizer;
        }
        return own.orElseThrow(() ->
                new TrainException(config.file() + ": no tokenizer comes with the model; name one as model.tokenizer"));
    }

    /// A tokenizer may add pieces to those of the base, and name control pieces anew; text must keep its ids.
    private static void requireSamePieces(TrainConfig config, Tokenizer named, Tokenizer own) {
        Vocabulary ours = named.vocabulary();
        Vocabulary theirs = own.vocabulary();
        for (int id = 0; id < Math.min(ours.size(), theirs.size()); id++) {
            boolean text = ours.type(id) == PieceType.NORMAL || theirs.type(id) == PieceType.NORMAL;
            if (text && !ours.piece(id).equals(theirs.piece(id))) {
                throw new TrainException(
                        config.file() + ": model.tokenizer is not the tokenizer of this model: id " + id
                                + " is " + Names.quote(ours.piece(id)) + ", in the one that comes with model.base "
                                + Names.quote(theirs.piece(id)) + "; leave model.tokenizer out to use that");
            }
        }
    }

    /// The numbers of the model that is trained.
    ///
    /// @throws TrainException if tokenizer, samples or experts do not go with them
    static MixtralConfig numbers(TrainConfig config, Optional<LoadedModel> base, Tokenizer tokenizer) {
        MixtralConfig numbers = switch (config.model()) {
            case Model.Base _ -> base.orElseThrow().config();
            case Model.New model -> model.sizes().withVocabulary(tokenizer.vocabSize());
        };
        if (tokenizer.vocabSize() > numbers.vocabSize()) {
            throw new TrainException(config.file() + ": the tokenizer has " + tokenizer.vocabSize()
                    + " pieces, but the model's vocabulary only " + numbers.vocabSize()
                    + "; it is not the tokenizer of this model");
        }
        if (config.data().sequenceLength() > numbers.contextLength()) {
            throw new TrainException(
                    config.file() + ": data.sequence_length is " + config.data().sequenceLength()
                            + ", but the model's context has only " + numbers.contextLength() + " tokens");
        }
        List<Integer> experts = config.lora().map(Lora::experts).orElse(List.of());
        for (int expert : experts) {
            if (expert >= numbers.numExperts()) {
                throw new TrainException(config.file() + ": lora.experts has " + expert + ", but the experts of the"
                        + " model are 0 to " + (numbers.numExperts() - 1));
            }
        }
        return numbers;
    }

    /// Looks whether the model can be written as it is to be, in whole blocks: better said before a training than after
    /// it.
    ///
    /// @throws TrainException if it cannot
    static void requireExport(TrainConfig config, MixtralConfig numbers) {
        int block = config.export().blockElements();
        for (int width : new int[] {numbers.hiddenSize(), numbers.queryWidth(), numbers.intermediateSize()}) {
            if (config.lora().isEmpty() && width % block != 0) {
                throw new TrainException(config.file() + ": export: "
                        + config.export().name().toLowerCase(Locale.ROOT) + " stores blocks of " + block
                        + " numbers, but this model has rows of " + width + "; use bf16, f16 or f32"
                        + (block > 32 && width % 32 == 0 ? ", or q8_0" : ""));
            }
        }
    }
}
