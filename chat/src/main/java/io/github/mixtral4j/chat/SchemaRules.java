package io.github.mixtral4j.chat;

import java.util.HashSet;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/// Checks that the parameters of a tool are a JSON Schema, draft 7: that every keyword has the form its meta-schema
/// gives it. Unknown keywords are free, and patterns are not compiled.
/// Source: json-schema.org/draft-07/schema.
final class SchemaRules {
    private static final Set<String> TYPES =
            Set.of("array", "boolean", "integer", "null", "number", "object", "string");

    private SchemaRules() {}

    static void check(JsonNode schema, String path) {
        if (schema.isBoolean()) {
            return;
        }
        require(schema.isObject(), path, "a schema (an object or a boolean)", schema);
        schema.forEachEntry((keyword, value) -> checkKeyword(keyword, value, path + "." + keyword));
    }

    private static void checkKeyword(String keyword, JsonNode value, String path) {
        switch (keyword) {
            case "$id",
                    "$schema",
                    "$ref",
                    "$comment",
                    "title",
                    "description",
                    "pattern",
                    "format",
                    "contentMediaType",
                    "contentEncoding" -> require(value.isString(), path, "a string", value);
            case "readOnly", "uniqueItems" -> require(value.isBoolean(), path, "a boolean", value);
            case "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum" ->
                require(value.isNumber(), path, "a number", value);
            case "multipleOf" ->
                require(value.isNumber() && value.doubleValue() > 0, path, "a number greater than 0", value);
            case "maxLength", "minLength", "maxItems", "minItems", "maxProperties", "minProperties" ->
                require(isCount(value), path, "an integer of at least 0", value);
            case "examples", "enum" -> require(value.isArray(), path, "a list", value);
            case "required" -> checkNames(value, path);
            case "type" -> checkType(value, path);
            case "additionalItems", "contains", "additionalProperties", "propertyNames", "if", "then", "else", "not" ->
                check(value, path);
            case "items" -> {
                if (value.isArray()) {
                    checkEach(value, path);
                } else {
                    check(value, path);
                }
            }
            case "allOf", "anyOf", "oneOf" -> checkEach(value, path);
            case "definitions", "properties", "patternProperties" -> {
                require(value.isObject(), path, "an object of schemas", value);
                value.forEachEntry((name, schema) -> check(schema, path + "." + name));
            }
            case "dependencies" -> {
                require(value.isObject(), path, "an object of schemas or lists of names", value);
                value.forEachEntry((name, dependency) -> {
                    if (dependency.isArray()) {
                        checkNames(dependency, path + "." + name);
                    } else {
                        check(dependency, path + "." + name);
                    }
                });
            }
            default -> {}
        }
    }

    private static boolean isCount(JsonNode value) {
        if (value.isIntegralNumber()) {
            return value.bigIntegerValue().signum() >= 0; // of any length
        }
        return value.isNumber() && value.doubleValue() >= 0 && value.doubleValue() == Math.rint(value.doubleValue());
    }

    private static void checkType(JsonNode value, String path) {
        String expected = "one of array, boolean, integer, null, number, object, string, or a list of them";
        if (value.isArray()) {
            Set<String> seen = new HashSet<>();
            for (JsonNode type : value) {
                require(isType(type) && seen.add(type.stringValue()), path, expected, value);
            }
            require(!value.isEmpty(), path, expected, value);
        } else {
            require(isType(value), path, expected, value);
        }
    }

    private static boolean isType(JsonNode value) {
        return value.isString() && TYPES.contains(value.stringValue());
    }

    private static void checkNames(JsonNode value, String path) {
        require(value.isArray(), path, "a list of different names", value);
        Set<String> seen = new HashSet<>();
        for (JsonNode name : value) {
            require(name.isString() && seen.add(name.stringValue()), path, "a list of different names", value);
        }
    }

    private static void checkEach(JsonNode value, String path) {
        require(value.isArray() && !value.isEmpty(), path, "a list of at least one schema", value);
        for (int i = 0; i < value.size(); i++) {
            check(value.get(i), path + "[" + i + "]");
        }
    }

    private static void require(boolean condition, String path, String expected, JsonNode found) {
        if (!condition) {
            throw RequestReader.expected(path, expected, found);
        }
    }
}
