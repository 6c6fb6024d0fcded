package io.github.mixtral4j.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// JSON as the commands read and write it.
final class Json {
    /// Texts and lists of ids may be as long as memory allows.
    private static final StreamReadConstraints CONSTRAINTS =
            StreamReadConstraints.builder().maxStringLength(Integer.MAX_VALUE).build();

    static final JsonMapper MAPPER = JsonMapper.builder(
                    JsonFactory.builder().streamReadConstraints(CONSTRAINTS).build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private Json() {}

    /// Reads a JSON file, or standard input where the path is `-`.
    ///
    /// @throws CommandException if it is not JSON
    static JsonNode read(Console console, String path) throws IOException {
        try (InputStream in = path.equals("-") ? console.in() : Files.newInputStream(Path.of(path))) {
            return parse(path.equals("-") ? "standard input" : path, in.readAllBytes(), 0, -1);
        }
    }

    /// Reads one JSON value.
    ///
    /// @param source what to call the text in a message
    /// @param length bytes of the text, or -1 for all that there are
    /// @throws CommandException if it is not JSON
    static JsonNode parse(String source, byte[] bytes, int offset, int length) {
        try {
            return MAPPER.readTree(bytes, offset, length < 0 ? bytes.length - offset : length);
        } catch (JacksonException e) {
            throw new CommandException(source + ": not JSON: " + e.getOriginalMessage());
        }
    }

    /// A constant as JSON spells it.
    static String name(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT);
    }

    /// A number, or null for what JSON has no number for.
    static @Nullable Double number(double value) {
        return Double.isFinite(value) ? value : null;
    }

    /// Prints a value as one line.
    static void print(Console console, Object value) {
        console.print(MAPPER.writeValueAsBytes(value));
        console.print("\n");
    }
}
