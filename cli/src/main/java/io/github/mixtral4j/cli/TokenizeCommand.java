package io.github.mixtral4j.cli;

import io.github.mixtral4j.tokenizer.Tokenizer;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/// `mixtral tokenize`: text to ids and back.
@Command(
        name = "tokenize",
        customSynopsis = "mixtral tokenize --tokenizer=PATH [TEXT] [--decode] [--jsonl]",
        description = "Turns text into token ids, exactly as Google's sentencepiece does, or ids into text.",
        footer = {
            "",
            "The ids are those of the text alone: no begin-of-text in front, and never a control token.",
            "Examples:",
            "  mixtral tokenize --tokenizer model.gguf \"Hello world\"",
            "  mixtral tokenize --tokenizer model.gguf --decode \"[22557, 1526]\"",
            "  mixtral tokenize --tokenizer tokenizer.model --jsonl < strings.jsonl > ids.jsonl"
        })
final class TokenizeCommand implements Callable<Integer> {
    private final Console console;

    @Mixin
    private TokenizerSource tokenizer;

    @Option(names = "--decode", description = "From ids, as a JSON array or separated by commas or spaces, to text.")
    private boolean decode;

    @Option(
            names = "--jsonl",
            description = {
                "Each line of standard input is a JSON string, each line printed a JSON array of ids; with --decode the"
                        + " reverse. Empty lines are skipped."
            })
    private boolean jsonl;

    @Parameters(
            arity = "0..1",
            paramLabel = "TEXT",
            description = "The text. Without it, all of standard input, a final line break included.")
    private @Nullable String text;

    TokenizeCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() throws IOException {
        if (jsonl && text != null) {
            throw new IllegalArgumentException("--jsonl reads standard input; leave out TEXT");
        }
        Tokenizer loaded = tokenizer.open();
        if (jsonl) {
            convertLines(loaded);
            return Main.OK;
        }
        String input = text != null ? text : new String(console.in().readAllBytes(), StandardCharsets.UTF_8);
        if (decode) {
            console.println(loaded.decode(TokenIds.parse(input)));
        } else {
            StringBuilder line = new StringBuilder();
            TokenIds.append(line, loaded.encode(input));
            console.println(line.toString());
        }
        return Main.OK;
    }

    private void convertLines(Tokenizer loaded) throws IOException {
        InputStream in = new BufferedInputStream(console.in(), 1 << 16);
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int number = 1; readLine(in, line); number++) {
            byte[] bytes = line.toByteArray();
            if (new String(bytes, StandardCharsets.ISO_8859_1).isBlank()) {
                continue;
            }
            String where = "line " + number + " of standard input";
            JsonNode value = Json.parse(where, bytes, 0, bytes.length);
            if (decode) {
                Json.print(console, loaded.decode(TokenIds.of(where, value)));
            } else if (value.isString()) {
                StringBuilder ids = new StringBuilder();
                TokenIds.append(ids, loaded.encode(value.stringValue()));
                console.println(ids.toString());
            } else {
                throw new CommandException(where + ": expected a JSON string, found " + TokenIds.shorten(value));
            }
        }
    }

    /// Reads up to the next line break, which is left out.
    ///
    /// @return false at the end of the input
    private static boolean readLine(InputStream in, ByteArrayOutputStream line) throws IOException {
        line.reset();
        int b = in.read();
        if (b < 0) {
            return false;
        }
        for (; b >= 0 && b != '\n'; b = in.read()) {
            line.write(b);
        }
        return true;
    }
}
