package io.github.mixtral4j.load;

import io.github.mixtral4j.checkpoint.CheckpointException;
import io.github.mixtral4j.checkpoint.Names;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/// Typed access to a JSON config; a key that is `null` counts as absent. Errors name file, key, expected and found.
final class JsonKeys {
    private final String file;
    private final JsonNode object;

    /// @param file name of the file, for messages
    JsonKeys(String file, JsonNode object) {
        this.file = file;
        this.object = object;
    }

    /// Name of the file, for messages.
    String file() {
        return file;
    }

    boolean has(String key) {
        JsonNode value = object.get(key);
        return value != null && !value.isNull();
    }

    /// A whole number that fits an `int`.
    int integer(String key) {
        JsonNode value = get(key, "a whole number");
        if (!value.isIntegralNumber() || !value.canConvertToInt()) {
            throw unexpected(key, "a whole number", value);
        }
        return value.intValue();
    }

    int integer(String key, int absent) {
        return has(key) ? integer(key) : absent;
    }

    /// Whole numbers that fit an `int`: one, or an array of them; none if the key is absent.
    List<Integer> integers(String key) {
        List<Integer> numbers = new ArrayList<>();
        if (has(key)) {
            JsonNode value = get(key, "a whole number");
            Iterable<JsonNode> elements = value.isArray() ? value : List.of(value);
            for (JsonNode element : elements) {
                if (!element.isIntegralNumber() || !element.canConvertToInt()) {
                    throw unexpected(key, "a whole number or an array of them", value);
                }
                numbers.add(element.intValue());
            }
        }
        return numbers;
    }

    /// A number.
    double real(String key) {
        JsonNode value = get(key, "a number");
        if (!value.isNumber()) {
            throw unexpected(key, "a number", value);
        }
        return value.doubleValue();
    }

    double real(String key, double absent) {
        return has(key) ? real(key) : absent;
    }

    /// A text.
    String text(String key) {
        JsonNode value = get(key, "a text");
        if (!value.isString()) {
            throw unexpected(key, "a text", value);
        }
        return value.stringValue();
    }

    String text(String key, String absent) {
        return has(key) ? text(key) : absent;
    }

    /// A text; empty if the key is absent or says something else.
    Optional<String> textIfAny(String key) {
        JsonNode value = object.get(key);
        return value == null || !value.isString() ? Optional.empty() : Optional.of(value.stringValue());
    }

    /// True or false; absent is false.
    boolean flag(String key) {
        if (!has(key)) {
            return false;
        }
        JsonNode value = get(key, "true or false");
        if (!value.isBoolean()) {
            throw unexpected(key, "true or false", value);
        }
        return value.booleanValue();
    }

    /// Whether a key is absent or says nothing: null, false, or an array, object or text without content.
    boolean isEmpty(String key) {
        JsonNode value = object.get(key);
        return value == null
                || value.isNull()
                || (value.isBoolean() && !value.booleanValue())
                || (value.isContainer() && value.isEmpty())
                || (value.isString() && value.stringValue().isEmpty());
    }

    /// The keys, in the file's order.
    Collection<String> names() {
        return object.propertyNames();
    }

    /// A nested object.
    Optional<JsonKeys> object(String key) {
        if (!has(key)) {
            return Optional.empty();
        }
        JsonNode value = get(key, "an object");
        if (!value.isObject()) {
            throw unexpected(key, "an object", value);
        }
        return Optional.of(new JsonKeys(file + ": " + key, value));
    }

    /// The first text of an array, or empty.
    Optional<String> firstText(String key) {
        if (!has(key)) {
            return Optional.empty();
        }
        JsonNode value = get(key, "an array of texts");
        JsonNode first = value.isArray() ? value.get(0) : null;
        if (first == null || !first.isString()) {
            throw unexpected(key, "an array of texts", value);
        }
        return Optional.of(first.stringValue());
    }

    /// An error about this file.
    CheckpointException error(String message) {
        return new CheckpointException(file + ": " + message);
    }

    private JsonNode get(String key, String expected) {
        JsonNode value = object.get(key);
        if (value == null || value.isNull()) {
            throw error(key + " is missing, expected " + expected);
        }
        return value;
    }

    private CheckpointException unexpected(String key, String expected, JsonNode found) {
        return error(key + ": expected " + expected + ", found " + shorten(found.toString()));
    }

    /// A foreign text as messages show it.
    static String shorten(String text) {
        return Names.printable(text, 60);
    }
}
