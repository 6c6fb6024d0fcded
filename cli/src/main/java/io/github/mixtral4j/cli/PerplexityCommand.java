package io.github.mixtral4j.cli;

import io.github.mixtral4j.generate.Scoring;
import io.github.mixtral4j.generate.Scoring.Perplexity;
import io.github.mixtral4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `mixtral perplexity`: how well a model predicts a text.
@Command(
        name = "perplexity",
        customSynopsis = "mixtral perplexity MODEL FILE [--context=N] [--json] [OPTION]...",
        description = "Measures how well the model predicts a text; lower is better.",
        footer = {
            "",
            "The text is cut into windows of --context tokens, and the second half of each is scored, as"
                    + " llama.cpp's tool does by default, so that the figures compare."
        })
final class PerplexityCommand implements Callable<Integer> {
    private final Console console;

    @Parameters(index = "0", paramLabel = "MODEL", description = "A GGUF file, or a Hugging Face or Mistral folder.")
    private Path path;

    @Parameters(index = "1", paramLabel = "FILE", description = "The text, in UTF-8; - reads standard input.")
    private String file;

    @Option(
            names = "--context",
            paramLabel = "N",
            defaultValue = "512",
            description = "Tokens of a window (default: ${DEFAULT-VALUE}).")
    private int context;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Mixin
    private TokenizerOption tokenizers;

    @Mixin
    private ModelOptions options;

    PerplexityCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        String text = text();
        try (OpenModel model = options.open(console, path)) {
            Tokenizer tokenizer = tokenizers.of(model.loaded());
            int[] ids = RunCommand.withBos(tokenizer, tokenizer.encode(text));
            try (Scoring scoring = Scoring.allocate(model.model(), context, options.kvType(), Math.min(context, 512))) {
                print(scoring.perplexity(ids, tokenizer.bosId(), this::progress));
            }
        }
        return Main.OK;
    }

    private String text() throws IOException {
        try (InputStream in = file.equals("-") ? console.in() : Files.newInputStream(Path.of(file))) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private void progress(Perplexity soFar) {
        console.message(String.format(
                Locale.ROOT, "window %d of %d: perplexity %.4f", soFar.windows(), soFar.totalWindows(), soFar.value()));
    }

    private void print(Perplexity result) {
        if (!json) {
            console.println(String.format(
                    Locale.ROOT,
                    "perplexity %.4f ± %.4f over %d tokens in %d windows of %d",
                    result.value(),
                    result.standardError(),
                    result.scoredTokens(),
                    result.windows(),
                    context));
            return;
        }
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("perplexity", Json.number(result.value()));
        object.put("standard_error", Json.number(result.standardError()));
        object.put("nll", Json.number(result.meanNll()));
        object.put("tokens", result.scoredTokens());
        object.put("windows", result.windows());
        object.put("context", context);
        Json.print(console, object);
    }
}
