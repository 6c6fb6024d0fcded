package io.github.mixtral4j.checkpoint;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// Metadata of a GGUF file: keys in the file's order, typed values.
///
/// The getters accept every width of the type they are named after and throw a [CheckpointException] that names file,
/// key, expected and found type. Ask [#has(String)] first for a key that may be absent.
public final class GgufMetadata {
    private final String file;
    private final Map<String, GgufValue> values;

    /// @param file name of the file, for messages
    GgufMetadata(String file, Map<String, GgufValue> values) {
        this.file = file;
        this.values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
    }

    /// All values by key, in the file's order.
    public Map<String, GgufValue> values() {
        return values;
    }

    /// Whether the file has this key.
    public boolean has(String key) {
        return values.containsKey(key);
    }

    /// A text.
    public String text(String key) {
        return get(key, "a text", GgufMetadata::asText);
    }

    /// An integer of any width.
    public long integer(String key) {
        return get(key, "an integer", GgufMetadata::asInteger);
    }

    /// A floating-point number of either width.
    public double real(String key) {
        return get(key, "a floating-point number", GgufMetadata::asReal);
    }

    /// A truth value.
    public boolean bool(String key) {
        return get(key, "true or false", value -> value instanceof GgufValue.Bool bool ? bool.value() : null);
    }

    /// An array of texts.
    public List<String> texts(String key) {
        return get(key, "an array of texts", value -> elements(value, GgufMetadata::asText));
    }

    /// An array of integers of any width.
    public List<Long> integers(String key) {
        return get(key, "an array of integers", value -> elements(value, GgufMetadata::asInteger));
    }

    /// An array of floating-point numbers of either width.
    public List<Double> reals(String key) {
        return get(key, "an array of floating-point numbers", value -> elements(value, GgufMetadata::asReal));
    }

    private <T> T get(String key, String expected, Function<GgufValue, @Nullable T> as) {
        GgufValue value = values.get(key);
        if (value == null) {
            throw new CheckpointException(file + ": metadata key " + key + " is missing, expected " + expected);
        }
        T typed = as.apply(value);
        if (typed == null) {
            throw new CheckpointException(file + ": metadata key " + key + ": expected " + expected + ", found "
                    + value.type() + " " + value);
        }
        return typed;
    }

    private static @Nullable String asText(GgufValue value) {
        return value instanceof GgufValue.Text text ? text.value() : null;
    }

    private static @Nullable Long asInteger(GgufValue value) {
        boolean beyondLong = value instanceof GgufValue.Int(var type, var bits) && type == GgufType.UINT64 && bits < 0;
        return value instanceof GgufValue.Int integer && !beyondLong ? integer.value() : null;
    }

    private static @Nullable Double asReal(GgufValue value) {
        return value instanceof GgufValue.Real real ? real.value() : null;
    }

    /// The elements as `T`, or null if the value is not an array or an element is something else.
    private static <T> @Nullable List<T> elements(GgufValue value, Function<GgufValue, @Nullable T> as) {
        if (!(value instanceof GgufValue.Array array)) {
            return null;
        }
        List<T> typed = new ArrayList<>(array.elements().size());
        for (GgufValue element : array.elements()) {
            T one = as.apply(element);
            if (one == null) {
                return null;
            }
            typed.add(one);
        }
        return List.copyOf(typed);
    }
}
