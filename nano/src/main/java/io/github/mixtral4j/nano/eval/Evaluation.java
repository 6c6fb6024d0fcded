package io.github.mixtral4j.nano.eval;

import io.github.mixtral4j.chat.ChatFormat;
import io.github.mixtral4j.generate.GeneratorOptions;
import io.github.mixtral4j.generate.LocalGenerator;
import io.github.mixtral4j.generate.Scoring;
import io.github.mixtral4j.kernel.KernelKind;
import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.load.AdapterLoader;
import io.github.mixtral4j.load.LoadedAdapter;
import io.github.mixtral4j.load.LoadedModel;
import io.github.mixtral4j.load.ModelLoader;
import io.github.mixtral4j.model.Adapter;
import io.github.mixtral4j.model.Mixtral;
import io.github.mixtral4j.nano.data.Language;
import io.github.mixtral4j.nano.eval.Examination.Marks;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// A model file examined from end to end: tasks, perplexity per language, expert load.
public final class Evaluation {
    private static final int RUNNING = 16;
    private static final int MAX_TOKENS = 256;
    private static final int LOAD_TEXTS = 300;

    private Evaluation() {}

    /// Examines a model.
    ///
    /// @param file a model with a tokenizer
    /// @param tasks as [Task#readAll] reads them
    /// @param threads that compute
    /// @throws IllegalArgumentException if the model has no tokenizer
    /// @throws IOException if the model cannot be read
    /// @throws InterruptedException if the thread is interrupted
    public static Report run(Path file, List<Task> tasks, int threads) throws IOException, InterruptedException {
        try (LoadedModel loaded = ModelLoader.load(file);
                Kernels kernels = Kernels.create(KernelKind.AUTO, threads)) {
            Tokenizer tokenizer = tokenizer(file, loaded);
            ChatFormat format = ChatFormat.of(tokenizer);
            Mixtral model = new Mixtral(loaded.config(), loaded.weights(), kernels);
            int context = loaded.config().contextLength();
            return new Report(
                    file.getFileName().toString(),
                    marks(model, tokenizer, format, tasks),
                    perplexity(model, format, tasks, context, tokenizer.eosId()),
                    ExpertLoad.of(model, texts(format, tasks, tokenizer.eosId(), context))
                            .shares());
        }
    }

    /// Marks alone of a model, with adapters or without.
    ///
    /// @param adapters PEFT folders or GGUF files
    /// @throws IllegalArgumentException if the model has no tokenizer
    /// @throws IOException if a file cannot be read
    /// @throws InterruptedException if the thread is interrupted
    public static Marks marks(Path file, List<Path> adapters, List<Task> tasks, int threads)
            throws IOException, InterruptedException {
        try (LoadedModel loaded = ModelLoader.load(file);
                Kernels kernels = Kernels.create(KernelKind.AUTO, threads)) {
            Tokenizer tokenizer = tokenizer(file, loaded);
            List<LoadedAdapter> changes = new ArrayList<>();
            try {
                for (Path adapter : adapters) {
                    changes.add(AdapterLoader.load(adapter, loaded.config()));
                }
                List<Adapter> all = changes.stream().map(LoadedAdapter::adapter).toList();
                Mixtral model = new Mixtral(loaded.config(), loaded.weights(), kernels, all);
                return marks(model, tokenizer, ChatFormat.of(tokenizer), tasks);
            } finally {
                changes.forEach(LoadedAdapter::close);
            }
        }
    }

    private static Tokenizer tokenizer(Path file, LoadedModel loaded) throws IOException {
        return loaded.tokenizer()
                .orElseThrow(() -> new IllegalArgumentException(file + " has no tokenizer; it cannot be examined"));
    }

    private static Marks marks(Mixtral model, Tokenizer tokenizer, ChatFormat format, List<Task> tasks)
            throws InterruptedException {
        int context = model.config().contextLength();
        GeneratorOptions options =
                GeneratorOptions.of(context).withMaxRunning(RUNNING).withCacheTokens(Math.multiplyExact(context, 4));
        try (LocalGenerator generator = LocalGenerator.start(model, tokenizer, Set.of(tokenizer.eosId()), options)) {
            return new Examination(generator, format, MAX_TOKENS).run(tasks);
        }
    }

    private static Map<Language, Double> perplexity(
            Mixtral model, ChatFormat format, List<Task> tasks, int context, int eosId) throws InterruptedException {
        try (Scoring scoring = Scoring.allocate(model, context, DType.F16, 512)) {
            return ReplyTexts.perplexity(scoring, format, tasks, eosId);
        }
    }

    /// Conversations of all kinds, evenly.
    private static List<int[]> texts(ChatFormat format, List<Task> tasks, int eosId, int context) {
        List<int[]> texts = new ArrayList<>();
        for (int i = 0; i < tasks.size(); i += Math.max(1, tasks.size() / LOAD_TEXTS)) {
            int[] ids = ReplyTexts.ids(format, tasks.get(i), eosId);
            if (ids.length <= context) {
                texts.add(ids);
            }
        }
        return texts;
    }
}
