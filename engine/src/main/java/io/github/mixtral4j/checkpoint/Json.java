package io.github.mixtral4j.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// JSON from files nobody vouches for: bounded in length and depth (Jackson's 500 levels), strict about trailing text.
final class Json {
    /// Far beyond any real config; as a tree, JSON takes up to thirty times its length.
    private static final long MAX_CONFIG_BYTES = 1L << 20;

    private static final JsonFactory FACTORY = JsonFactory.builder().build();
    private static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private Json() {}

    /// Takes in a document token by token.
    @FunctionalInterface
    interface Reader<T> {
        T read(JsonParser in);
    }

    /// The bytes of a file of at most `maxBytes`.
    static byte[] readFile(Path path, long maxBytes) throws IOException {
        if (!Files.isRegularFile(path)) {
            throw new CheckpointException(path + ": not a regular file");
        }
        long size = Files.size(path);
        if (size > maxBytes) {
            throw new CheckpointException(
                    Names.file(path) + ": expected at most " + maxBytes + " bytes of JSON, found " + size);
        }
        return Files.readAllBytes(path);
    }

    /// Reads a config file.
    ///
    /// @return a JSON object
    static JsonNode readConfig(Path path) throws IOException {
        return parseConfig(Names.file(path), readFile(path, MAX_CONFIG_BYTES));
    }

    /// Reads a JSON object into a tree; a key that occurs twice in an object is an error.
    static JsonNode parseConfig(String file, byte[] json) {
        try {
            JsonNode root = MAPPER.readTree(json);
            if (!root.isObject()) {
                throw new CheckpointException(file + ": expected a JSON object, found " + root.getNodeType());
            }
            return root;
        } catch (JacksonException e) {
            throw malformed(file, e);
        }
    }

    /// Reads a document of one JSON object with `reader`, which is called after the opening brace and returns before
    /// anything follows the closing one.
    static <T> T stream(String file, byte[] json, Reader<T> reader) {
        try (JsonParser in = FACTORY.createParser(json)) {
            expect(file, "the document", in, in.nextToken(), JsonToken.START_OBJECT);
            T result = reader.read(in);
            if (in.nextToken() != null) {
                throw new CheckpointException(file + ": expected the end after the JSON object, found "
                        + word(in.currentToken()) + " " + at(in));
            }
            return result;
        } catch (JacksonException e) {
            throw malformed(file, e);
        }
    }

    /// Throws unless `found` is `expected`.
    static void expect(String file, String what, JsonParser in, @Nullable JsonToken found, JsonToken expected) {
        if (found != expected) {
            throw new CheckpointException(
                    file + ": " + what + ": expected " + word(expected) + ", found " + word(found) + " " + at(in));
        }
    }

    private static String word(@Nullable JsonToken token) {
        return switch (token) {
            case null -> "the end";
            case START_OBJECT -> "an object";
            case START_ARRAY -> "an array";
            case VALUE_STRING -> "a text";
            case VALUE_NUMBER_INT -> "a whole number";
            case VALUE_NUMBER_FLOAT -> "a fraction";
            case VALUE_TRUE, VALUE_FALSE -> "true or false";
            case VALUE_NULL -> "null";
            case END_OBJECT, END_ARRAY, PROPERTY_NAME, VALUE_EMBEDDED_OBJECT, NOT_AVAILABLE -> token.name();
        };
    }

    private static String at(JsonParser in) {
        return "at byte " + in.currentTokenLocation().getByteOffset();
    }

    private static CheckpointException malformed(String file, JacksonException e) {
        return new CheckpointException(file + ": malformed JSON: " + Names.printable(e.getOriginalMessage(), 300), e);
    }
}
