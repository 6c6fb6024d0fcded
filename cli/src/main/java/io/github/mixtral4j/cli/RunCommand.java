package io.github.mixtral4j.cli;

import io.github.mixtral4j.generate.Completion;
import io.github.mixtral4j.generate.GenerationEvent;
import io.github.mixtral4j.generate.GenerationRequest;
import io.github.mixtral4j.generate.LocalGenerator;
import io.github.mixtral4j.generate.Usage;
import io.github.mixtral4j.sampling.Logprobs;
import io.github.mixtral4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `mixtral run`: a text goes on.
@Command(
        name = "run",
        customSynopsis = "mixtral run MODEL -p TEXT [OPTION]...",
        description = "Continues a text: the completion is streamed to standard output, a summary follows on standard"
                + " error.",
        footer = {
            "",
            "The text is completed as it is, without a chat format; `mixtral chat` talks to instruct models.",
            "Examples:",
            "  mixtral run mixtral-8x7b.Q4_K_M.gguf -p \"The capital of France is\" -n 20 --temperature 0",
            "  mixtral run ./Mixtral-8x7B-v0.1 -p - < prompt.txt"
        })
final class RunCommand implements Callable<Integer> {
    private final Console console;

    @Parameters(paramLabel = "MODEL", description = "A GGUF file, or a Hugging Face or Mistral folder.")
    private Path path;

    @Option(
            names = {"-p", "--prompt"},
            required = true,
            paramLabel = "TEXT",
            description = "The text to continue; - reads standard input, without its last line break.")
    private String prompt;

    @Option(
            names = "--context",
            paramLabel = "N",
            description = "Most tokens of prompt and completion together (default: the model's context length).")
    private @Nullable Integer context;

    @Option(
            names = "--logprobs",
            paramLabel = "N",
            description = "With --json: log-probabilities of every token and of the N likeliest beside it.")
    private @Nullable Integer logprobs;

    @Option(
            names = "--json",
            description = "Print one JSON object at the end instead of streaming: text, ids, finish_reason, usage.")
    private boolean json;

    @Mixin
    private GenerationOptions options;

    RunCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        try (OpenModel model = options.open(console, path, context)) {
            Tokenizer tokenizer = options.tokenizer(model);
            GenerationRequest request = options.request(withBos(tokenizer, tokenizer.encode(text())));
            if (json && logprobs != null) {
                request = request.withLogprobs(logprobs);
            }
            try (LocalGenerator generator = options.start(model, tokenizer)) {
                Completion completion = json ? generator.generate(request) : generator.generate(request, this::stream);
                if (json) {
                    Json.print(console, describe(completion));
                } else {
                    console.println("");
                    console.flush();
                    console.message(summary(completion));
                }
            }
        }
        return Main.OK;
    }

    private String text() throws IOException {
        if (!prompt.equals("-")) {
            return prompt;
        }
        String text = new String(console.in().readAllBytes(), StandardCharsets.UTF_8);
        return text.endsWith("\n") ? text.substring(0, text.length() - 1) : text;
    }

    private void stream(GenerationEvent event) {
        if (event instanceof GenerationEvent.Text text && !text.delta().isEmpty()) {
            console.print(text.delta());
            console.flush();
        }
    }

    /// The ids with begin-of-text in front.
    static int[] withBos(Tokenizer tokenizer, int[] ids) {
        return IntStream.concat(IntStream.of(tokenizer.bosId()), IntStream.of(ids))
                .toArray();
    }

    /// What a completion took, in a line.
    static String summary(Completion completion) {
        Usage usage = completion.usage();
        return String.format(
                Locale.ROOT,
                "[prompt %d tokens, %.1f tokens/s | completion %d tokens, %.1f tokens/s | first token after %.2f s | %s]",
                usage.promptTokens(),
                usage.prefillTokensPerSecond(),
                usage.completionTokens(),
                usage.decodeTokensPerSecond(),
                usage.timeToFirstTokenSeconds(),
                Json.name(completion.reason()));
    }

    private static Map<String, Object> describe(Completion completion) {
        Usage usage = completion.usage();
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("text", completion.text());
        result.put("ids", completion.tokens());
        result.put("finish_reason", Json.name(completion.reason()));
        completion.stopString().ifPresent(stop -> result.put("stop_string", stop));
        result.put("prompt_tokens", usage.promptTokens());
        result.put("completion_tokens", usage.completionTokens());
        result.put("prefill_tokens_per_second", usage.prefillTokensPerSecond());
        result.put("decode_tokens_per_second", usage.decodeTokensPerSecond());
        result.put("time_to_first_token_seconds", usage.timeToFirstTokenSeconds());
        if (!completion.logprobs().isEmpty()) {
            result.put(
                    "logprobs",
                    completion.logprobs().stream().map(RunCommand::describe).toList());
        }
        return result;
    }

    private static Map<String, Object> describe(Logprobs logprobs) {
        Map<String, Object> result = describe(logprobs.chosen());
        result.put("top", logprobs.top().stream().map(RunCommand::describe).toList());
        return result;
    }

    private static Map<String, Object> describe(Logprobs.Entry entry) {
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("id", entry.token());
        result.put("logprob", Json.number(entry.logprob()));
        return result;
    }
}
