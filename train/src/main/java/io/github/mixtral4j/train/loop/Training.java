package io.github.mixtral4j.train.loop;

import io.github.mixtral4j.chat.ChatFormat;
import io.github.mixtral4j.checkpoint.AvailableMemory;
import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.load.AdapterWriter;
import io.github.mixtral4j.load.LoadedModel;
import io.github.mixtral4j.load.ModelLoader;
import io.github.mixtral4j.load.ModelWriter;
import io.github.mixtral4j.model.AdapterTarget;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tokenizer.Tokenizer;
import io.github.mixtral4j.train.TrainException;
import io.github.mixtral4j.train.data.Dataset;
import io.github.mixtral4j.train.loop.TrainConfig.Compute;
import io.github.mixtral4j.train.loop.TrainConfig.Lora;
import io.github.mixtral4j.train.loop.TrainConfig.Model;
import io.github.mixtral4j.train.model.LoraOptions;
import io.github.mixtral4j.train.model.TrainableMixtral;
import io.github.mixtral4j.train.model.TrainingOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// A training put together from its config: tokenizer, data, model, folder. Owns all of them.
///
/// ```
/// try (Training training = Training.open(TrainConfig.read(file), kernels, resume, observer)) {
///     Outcome outcome = training.run();
///     if (outcome.end() != Outcome.End.INTERRUPTED) {
///         training.export();
///     }
/// }
/// ```
public final class Training implements AutoCloseable {
    private final TrainConfig config;
    private final Kernels kernels;
    private final RunFolder folder;
    private final Tokenizer tokenizer;
    private final Dataset data;
    private final TrainableMixtral model;
    private final Trainer trainer;
    private final Deque<AutoCloseable> owned;

    private Training(
            TrainConfig config,
            Kernels kernels,
            RunFolder folder,
            Tokenizer tokenizer,
            Dataset data,
            TrainableMixtral model,
            TrainObserver observer,
            Deque<AutoCloseable> owned) {
        this.config = config;
        this.kernels = kernels;
        this.folder = folder;
        this.tokenizer = tokenizer;
        this.data = data;
        this.model = model;
        this.owned = owned;
        trainer = new Trainer(config, model, data, folder, kernels, observer);
    }

    /// Opens everything that the config names; every line of the data is checked.
    ///
    /// @param kernels what computes; borrowed
    /// @param resume whether to go on with the run in the output folder; if there is none, it begins
    /// @throws TrainException if config, data, model and folder do not go together
    /// @throws IOException if a file cannot be read
    public static Training open(TrainConfig config, Kernels kernels, boolean resume, TrainObserver observer)
            throws IOException {
        Deque<AutoCloseable> owned = new ArrayDeque<>();
        try {
            RunFolder folder = own(owned, RunFolder.open(config, resume));
            Optional<LoadedModel> base = Optional.empty();
            if (config.model() instanceof Model.Base model) {
                base = Optional.of(own(owned, ModelLoader.load(model.path())));
            }
            Tokenizer tokenizer = ModelRules.tokenizer(config, base);
            MixtralConfig numbers = ModelRules.numbers(config, base, tokenizer);
            ModelRules.requireExport(config, numbers);
            TrainingMemory.require(config, numbers, AvailableMemory.SYSTEM);
            Dataset data = own(owned, data(config, tokenizer));
            TrainableMixtral model = own(owned, model(config, numbers, base, kernels));
            return new Training(config, kernels, folder, tokenizer, data, model, observer, owned);
        } catch (Throwable e) {
            close(owned);
            throw e;
        }
    }

    private static <T extends AutoCloseable> T own(Deque<AutoCloseable> owned, T resource) {
        owned.push(resource);
        return resource;
    }

    private static Dataset data(TrainConfig config, Tokenizer tokenizer) throws IOException {
        Optional<String> name = config.model().chatFormat();
        ChatFormat format;
        try {
            format = name.isPresent() ? ChatFormat.named(name.get(), tokenizer) : ChatFormat.of(tokenizer);
        } catch (IllegalArgumentException e) {
            throw new TrainException(config.file() + ": model.chat_format: " + e.getMessage(), e);
        }
        TrainConfig.Data data = config.data();
        return Dataset.open(
                data.train().stream()
                        .map(source -> new Dataset.Source(source.path(), source.repeat()))
                        .toList(),
                data.eval(),
                data.evalFraction(),
                tokenizer,
                format,
                new Dataset.Options(
                        data.sequenceLength(),
                        data.batchTokens(),
                        config.objective() instanceof TrainConfig.Objective.Preference,
                        (float) config.losses().prompt(),
                        config.seed()));
    }

    private static TrainableMixtral model(
            TrainConfig config, MixtralConfig numbers, Optional<LoadedModel> base, Kernels kernels) {
        TrainConfig.Losses losses = config.losses();
        TrainingOptions options = new TrainingOptions(
                config.data().batchTokens(),
                config.compute() == Compute.BF16 ? DType.BF16 : DType.F32,
                config.recompute(),
                losses.loadBalancing(),
                losses.perLayer(),
                losses.routerZ(),
                config.seed());
        if (config.lora().isPresent()) {
            if (base.isEmpty()) {
                throw new TrainException(
                        config.file() + ": lora needs model.base; on random weights there is nothing to adapt");
            }
            return TrainableMixtral.adapted(
                    kernels,
                    numbers,
                    options,
                    base.get().weights(),
                    lora(config.lora().get(), config.seed()));
        }
        return base.isPresent()
                ? TrainableMixtral.of(kernels, numbers, options, base.get().weights())
                : TrainableMixtral.random(kernels, numbers, options, config.seed());
    }

    private static LoraOptions lora(Lora lora, long seed) {
        Set<AdapterTarget.Kind> kinds = lora.targets().stream()
                .map(target -> AdapterTarget.Kind.valueOf(target.toUpperCase(Locale.ROOT)))
                .collect(Collectors.toSet());
        return new LoraOptions(
                lora.rank(), (float) lora.alpha(), (float) lora.dropout(), kinds, Set.copyOf(lora.experts()), seed);
    }

    /// What there is to train on.
    public Dataset.Summary trainSummary() {
        return data.trainSummary();
    }

    /// What there is to evaluate on.
    public Dataset.Summary evalSummary() {
        return data.evalSummary();
    }

    /// Numbers that are trained.
    public long parameters() {
        return model.parameters().stream()
                .mapToLong(p -> (long) p.rows() * p.cols())
                .sum();
    }

    /// The folder of the run.
    public RunFolder folder() {
        return folder;
    }

    /// Trains to the end, or until [#stop()].
    ///
    /// @throws TrainException if the loss stops being a number, or a checkpoint belongs to something else
    /// @throws IOException if something cannot be read or written
    public Outcome run() throws IOException {
        return trainer.run();
    }

    /// Ends the run after the current step, with its state saved. Any thread may call it.
    public void stop() {
        trainer.stop();
    }

    /// Writes what was trained, as it is now: `model.gguf`, or the adapter, as the folder `adapter` in PEFT's
    /// form and as `adapter.gguf` in llama.cpp's.
    ///
    /// @return what was written
    public List<Path> export() throws IOException {
        String title = folder.path().getFileName().toString();
        if (config.lora().isEmpty()) {
            Path file = folder.path().resolve("model.gguf");
            try {
                ModelWriter.writeGguf(
                        file,
                        title,
                        model.config(),
                        model.weights(),
                        tokenizer.vocabulary(),
                        config.export(),
                        kernels.threads());
            } catch (IllegalArgumentException e) {
                throw new TrainException(file + ": cannot be written: " + e.getMessage(), e);
            }
            return List.of(file);
        }
        Path peft = folder.path().resolve("adapter");
        Path gguf = folder.path().resolve("adapter.gguf");
        if (Files.exists(peft)) {
            Folders.delete(peft);
        }
        String base = config.model() instanceof Model.Base model ? model.path().toString() : title;
        AdapterWriter.writePeft(peft, model.adapter(title), model.config(), base);
        AdapterWriter.writeGguf(gguf, model.adapter(title), model.config());
        return List.of(peft, gguf);
    }

    @Override
    public void close() throws IOException {
        close(owned);
    }

    private static void close(Deque<AutoCloseable> owned) throws IOException {
        Exception failure = null;
        while (!owned.isEmpty()) {
            try {
                owned.pop().close();
            } catch (Exception e) {
                failure = e;
            }
        }
        switch (failure) {
            case null -> {}
            case IOException e -> throw e;
            case RuntimeException e -> throw e;
            default -> throw new IOException(failure);
        }
    }
}
