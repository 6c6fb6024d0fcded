package io.github.mixtral4j.nano.eval;

import java.util.stream.StreamSupport;
import tools.jackson.databind.JsonNode;

/// Whether a value fits a JSON Schema, for the keywords that the data uses: `type` (one or several), `properties`,
/// `required`, `items`, `enum`. Properties that the schema does not name do not fit: an extraction must not invent.
final class SchemaCheck {
    private SchemaCheck() {}

    static boolean fits(JsonNode schema, JsonNode value) {
        return hasType(schema.path("type"), value)
                && (!schema.has("enum") || contains(schema.path("enum"), value))
                && hasRequired(schema.path("required"), value)
                && propertiesFit(schema, value)
                && itemsFit(schema, value);
    }

    private static boolean hasType(JsonNode type, JsonNode value) {
        if (type.isArray()) {
            return StreamSupport.stream(type.spliterator(), false).anyMatch(t -> hasType(t, value));
        }
        return switch (type.asString("any")) {
            case "any" -> true;
            case "object" -> value.isObject();
            case "array" -> value.isArray();
            case "string" -> value.isString();
            case "integer" -> value.isIntegralNumber();
            case "number" -> value.isNumber();
            case "boolean" -> value.isBoolean();
            case "null" -> value.isNull();
            default -> throw new IllegalArgumentException("no JSON type is called " + type);
        };
    }

    private static boolean contains(JsonNode list, JsonNode value) {
        return StreamSupport.stream(list.spliterator(), false).anyMatch(value::equals);
    }

    private static boolean hasRequired(JsonNode names, JsonNode value) {
        return StreamSupport.stream(names.spliterator(), false).allMatch(n -> value.has(n.asString("")));
    }

    private static boolean propertiesFit(JsonNode schema, JsonNode value) {
        if (!schema.has("properties") || !value.isObject()) {
            return true;
        }
        JsonNode properties = schema.path("properties");
        return value.propertyStream()
                .allMatch(p -> properties.has(p.getKey()) && fits(properties.path(p.getKey()), p.getValue()));
    }

    private static boolean itemsFit(JsonNode schema, JsonNode value) {
        return !schema.has("items")
                || !value.isArray()
                || StreamSupport.stream(value.spliterator(), false).allMatch(v -> fits(schema.path("items"), v));
    }
}
