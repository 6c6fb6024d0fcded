package io.github.mixtral4j.cli;

import io.github.mixtral4j.chat.ChatFormat;
import io.github.mixtral4j.chat.ChatRequest;
import io.github.mixtral4j.chat.Prompt;
import io.github.mixtral4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `mixtral prompt`: what the model reads of a chat request.
@Command(
        name = "prompt",
        customSynopsis = "mixtral prompt --tokenizer=PATH [--format=v1|v3] REQUEST.json [--json]",
        description =
                "Renders a chat request as the model reads it: text and token ids, exactly as mistral-common does.",
        footer = {
            "",
            "The text is for people: ▁ is a space, <0x0A> a byte, and control tokens look like text. Models get the ids.",
            "With --json: {\"text\": …, \"ids\": […]}."
        })
final class PromptCommand implements Callable<Integer> {
    private final Console console;

    @Mixin
    private TokenizerSource tokenizer;

    @Option(
            names = "--format",
            paramLabel = "NAME",
            description = "v1 (8x7B) or v3 (8x22B Instruct); default: what the vocabulary was made for.")
    private @Nullable String format;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Parameters(
            paramLabel = "REQUEST.json",
            description = "{\"messages\": […], \"tools\": […]}; - reads standard input.")
    private String request;

    PromptCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() throws IOException {
        ChatRequest read = ChatRequest.of(Json.read(console, request));
        Tokenizer loaded = tokenizer.open();
        Prompt prompt = chatFormat(format, loaded).render(read);
        if (json) {
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("text", prompt.text());
            result.put("ids", prompt.ids());
            Json.print(console, result);
        } else {
            console.println(prompt.text());
            StringBuilder ids = new StringBuilder();
            TokenIds.append(ids, prompt.ids());
            console.println(ids.toString());
        }
        return Main.OK;
    }

    /// The format of this name, or without one the vocabulary's own.
    static ChatFormat chatFormat(@Nullable String name, Tokenizer tokenizer) {
        return name == null ? ChatFormat.of(tokenizer) : ChatFormat.named(name, tokenizer);
    }
}
