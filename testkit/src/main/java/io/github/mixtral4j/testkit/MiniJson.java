package io.github.mixtral4j.testkit;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Reads the JSON of fixtures and safetensors headers: objects as `Map`, arrays as `List`, numbers as `Double`.
/// For trusted, well-formed text only.
public final class MiniJson {
    private final String text;
    private int at;

    private MiniJson(String text) {
        this.text = text;
    }

    /// The value that `text` consists of.
    public static Object parse(String text) {
        return new MiniJson(text).value();
    }

    /// The value as an object.
    @SuppressWarnings("unchecked")
    public static Map<String, Object> object(Object value) {
        return (Map<String, Object>) value;
    }

    /// A field of the value, which is an object.
    public static Object get(Object value, String key) {
        Object field = object(value).get(key);
        if (field == null) {
            throw new IllegalArgumentException(
                    "no \"" + key + "\" among " + object(value).keySet());
        }
        return field;
    }

    /// The value as an array.
    @SuppressWarnings("unchecked")
    public static List<Object> array(Object value) {
        return (List<Object>) value;
    }

    /// An array of numbers.
    public static double[] doubles(Object value) {
        return array(value).stream().mapToDouble(v -> (Double) v).toArray();
    }

    /// An array of whole numbers.
    public static int[] ints(Object value) {
        return array(value).stream().mapToInt(v -> ((Double) v).intValue()).toArray();
    }

    private char next() {
        while (Character.isWhitespace(text.charAt(at))) {
            at++;
        }
        return text.charAt(at);
    }

    private Object value() {
        return switch (next()) {
            case '{' -> object();
            case '[' -> array();
            case '"' -> string();
            case 't' -> word("true", true);
            case 'f' -> word("false", false);
            case 'n' -> word("null", "null");
            default -> number();
        };
    }

    private Object word(String word, Object value) {
        at += word.length();
        return value;
    }

    private Map<String, Object> object() {
        Map<String, Object> object = new LinkedHashMap<>();
        at++;
        while (next() != '}') {
            if (next() == ',') {
                at++;
                next();
            }
            String key = string();
            if (next() != ':') {
                throw new IllegalArgumentException("no colon at " + at);
            }
            at++;
            object.put(key, value());
        }
        at++;
        return object;
    }

    private List<Object> array() {
        List<Object> array = new ArrayList<>();
        at++;
        while (next() != ']') {
            if (next() == ',') {
                at++;
            }
            array.add(value());
        }
        at++;
        return array;
    }

    private String string() {
        StringBuilder string = new StringBuilder();
        at++;
        while (text.charAt(at) != '"') {
            char c = text.charAt(at++);
            if (c == '\\') {
                c = text.charAt(at++);
                switch (c) {
                    case 'u' -> {
                        c = (char) Integer.parseInt(text.substring(at, at + 4), 16);
                        at += 4;
                    }
                    case 'n' -> c = '\n';
                    case 't' -> c = '\t';
                    case 'r' -> c = '\r';
                    case 'b' -> c = '\b';
                    case 'f' -> c = '\f';
                    default -> {}
                }
            }
            string.append(c);
        }
        at++;
        return string.toString();
    }

    private Double number() {
        int start = at;
        while (at < text.length() && "+-.eE0123456789".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
        return Double.valueOf(text.substring(start, at));
    }
}
