package io.github.mixtral4j.nano.eval;

import io.github.mixtral4j.chat.ChatRequest;
import io.github.mixtral4j.chat.ChatRequestException;
import io.github.mixtral4j.chat.ToolCall;
import io.github.mixtral4j.nano.data.Expected;
import io.github.mixtral4j.nano.data.Language;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// A held-out request and what a right reply to it is.
///
/// @param kind what is examined: `calls.one`
/// @param language of the reply
/// @param request what the model is asked
/// @param reply the reply of the data, in words; empty if that is calls
/// @param expected what counts as right
public record Task(String kind, Language language, ChatRequest request, String reply, Expected expected) {
    private static final JsonMapper JSON = new JsonMapper();

    /// Reads `heldout/tasks.jsonl`.
    /// @throws IOException if the file cannot be read, or a line is not a task; the message names the line
    public static List<Task> readAll(Path file) throws IOException {
        List<Task> tasks = new ArrayList<>();
        try (BufferedReader lines = Files.newBufferedReader(file)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                try {
                    tasks.add(of(JSON.readTree(line)));
                } catch (JacksonException | ChatRequestException e) {
                    throw new IOException(file + ":" + (tasks.size() + 1) + ": not a task: " + e.getMessage(), e);
                }
            }
        }
        return tasks;
    }

    private static Task of(JsonNode line) {
        return new Task(
                text(line, "kind"),
                language(text(line, "language")),
                ChatRequest.of(line),
                line.path("reply").asString(""),
                expected(line.path("expected")));
    }

    private static Expected expected(JsonNode node) {
        if (node.has("text")) {
            return new Expected.Text(text(node, "text"));
        }
        if (node.has("number")) {
            return new Expected.Number(node.path("number").asLong());
        }
        if (node.has("json")) {
            return new Expected.Json(node.path("schema"), node.path("json"));
        }
        if (!node.has("calls")) {
            return new Expected.Anything();
        }
        List<ToolCall> calls = new ArrayList<>();
        for (JsonNode call : node.path("calls")) {
            JsonNode function = call.path("function");
            calls.add(new ToolCall("", text(function, "name"), text(function, "arguments")));
        }
        return new Expected.Calls(calls);
    }

    private static Language language(String code) {
        for (Language language : Language.values()) {
            if (language.code().equals(code)) {
                return language;
            }
        }
        throw new ChatRequestException(
                "language", "expected en, fr, de, es or it, got " + code.toLowerCase(Locale.ROOT));
    }

    private static String text(JsonNode node, String field) {
        if (!node.path(field).isString()) {
            throw new ChatRequestException(field, "expected a string, got " + node.path(field));
        }
        return node.path(field).stringValue();
    }
}
