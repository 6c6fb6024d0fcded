package io.github.mixtral4j.chat;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.exc.StreamReadException;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// JSON as Python's `json` module reads and writes it with `ensure_ascii=False`: the models were trained on its spaces
/// and its numbers. Keys keep their order, integers all their digits, and `NaN` and `Infinity` are numbers.
final class PythonJson {
    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .build();

    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private PythonJson() {}

    /// Reads one value, as `json.loads` does.
    /// @throws JacksonException if the text is not JSON, or is nested deeper than Jackson reads
    static JsonNode read(String text) {
        try (JsonParser parser = JSON.createParser(text)) {
            parser.nextToken();
            JsonNode value = readValue(parser);
            if (parser.nextToken() != null) {
                throw new StreamReadException(parser, "text after the end of the value");
            }
            return value;
        }
    }

    private static JsonNode readValue(JsonParser parser) {
        return switch (parser.currentToken()) {
            case START_OBJECT -> {
                ObjectNode object = NODES.objectNode();
                while (parser.nextToken() != JsonToken.END_OBJECT) {
                    String name = parser.currentName();
                    parser.nextToken();
                    object.set(name, readValue(parser));
                }
                yield object;
            }
            case START_ARRAY -> {
                ArrayNode array = NODES.arrayNode();
                while (parser.nextToken() != JsonToken.END_ARRAY) {
                    array.add(readValue(parser));
                }
                yield array;
            }
            case VALUE_STRING -> NODES.stringNode(parser.getString());
            case VALUE_NUMBER_INT -> NODES.numberNode(parser.getBigIntegerValue());
            case VALUE_NUMBER_FLOAT -> readFloat(parser);
            case VALUE_TRUE -> NODES.booleanNode(true);
            case VALUE_FALSE -> NODES.booleanNode(false);
            case VALUE_NULL -> NODES.nullNode();
            case null, default -> throw new StreamReadException(parser, "no value");
        };
    }

    private static JsonNode readFloat(JsonParser parser) {
        String text = parser.getString();
        return switch (text) {
            case "NaN" -> NODES.numberNode(Double.NaN);
            case "Infinity" -> NODES.numberNode(Double.POSITIVE_INFINITY);
            case "-Infinity" -> NODES.numberNode(Double.NEGATIVE_INFINITY);
            default -> {
                // Jackson knows more words for infinity than Python does.
                if (text.indexOf('I') >= 0 || text.indexOf('N') >= 0) {
                    throw new StreamReadException(parser, text + " is no number");
                }
                yield NODES.numberNode(Double.parseDouble(text));
            }
        };
    }

    /// Writes a value, as `json.dumps` does.
    static String write(JsonNode value) {
        StringBuilder text = new StringBuilder();
        writeValue(value, text);
        return text.toString();
    }

    private static void writeValue(JsonNode value, StringBuilder text) {
        switch (value) {
            case ObjectNode object -> {
                text.append('{');
                object.forEachEntry((name, member) -> {
                    separate(text, '{');
                    writeString(name, text);
                    text.append(": ");
                    writeValue(member, text);
                });
                text.append('}');
            }
            case ArrayNode array -> {
                text.append('[');
                for (JsonNode element : array) {
                    separate(text, '[');
                    writeValue(element, text);
                }
                text.append(']');
            }
            default -> {
                if (value.isString()) {
                    writeString(value.stringValue(), text);
                } else if (value.isFloatingPointNumber()) {
                    text.append(repr(value.doubleValue()));
                } else {
                    text.append(value);
                }
            }
        }
    }

    private static void separate(StringBuilder text, char opening) {
        if (text.charAt(text.length() - 1) != opening) {
            text.append(", ");
        }
    }

    private static void writeString(String value, StringBuilder text) {
        text.append('"');
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            switch (c) {
                case '"' -> text.append("\\\"");
                case '\\' -> text.append("\\\\");
                case '\n' -> text.append("\\n");
                case '\r' -> text.append("\\r");
                case '\t' -> text.append("\\t");
                case '\b' -> text.append("\\b");
                case '\f' -> text.append("\\f");
                default -> {
                    if (c < ' ') {
                        text.append(String.format("\\u%04x", (int) c));
                    } else {
                        text.append(c);
                    }
                }
            }
        }
        text.append('"');
    }

    /// A double as Python's `repr` has it: the shortest digits that read back as the same number, with an exponent
    /// below 1e-4 and from 1e16.
    /// ```
    /// 1.0 → 1.0    1e-7 → 1e-07    1e16 → 1e+16    123456789012345.6 → 123456789012345.6
    /// ```
    static String repr(double number) {
        if (Double.isNaN(number)) {
            return "NaN";
        }
        String sign = number < 0 || 1 / number < 0 ? "-" : "";
        if (Double.isInfinite(number)) {
            return sign + "Infinity";
        }
        if (number == 0) {
            return sign + "0.0";
        }
        BigDecimal decimal = shortest(Math.abs(number));
        String digits = decimal.unscaledValue().toString();
        int point = digits.length() - decimal.scale();
        if (point <= -4 || point > 16) {
            String fraction = digits.length() > 1 ? "." + digits.substring(1) : "";
            int exponent = Math.abs(point - 1);
            return sign + digits.charAt(0) + fraction + "e" + (point > 0 ? "+" : "-") + (exponent < 10 ? "0" : "")
                    + exponent;
        }
        if (point <= 0) {
            return sign + "0." + "0".repeat(-point) + digits;
        }
        if (point >= digits.length()) {
            return sign + digits + "0".repeat(point - digits.length()) + ".0";
        }
        return sign + digits.substring(0, point) + "." + digits.substring(point);
    }

    private static BigDecimal shortest(double number) {
        BigDecimal decimal = new BigDecimal(Double.toString(number));
        // Double.toString prefers two digits to one where both read back: 4.9E-324, where Python has 5e-324.
        BigDecimal one = decimal.round(new MathContext(1, RoundingMode.HALF_EVEN));
        return (one.doubleValue() == number ? one : decimal).stripTrailingZeros();
    }
}
