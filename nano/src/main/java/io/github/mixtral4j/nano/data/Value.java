package io.github.mixtral4j.nano.data;

import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/// A value as it stands in a sentence and in JSON.
///
/// @param text in a sentence
/// @param isNumber whether JSON has it as a number
record Value(String text, boolean isNumber) {
    static Value of(String text) {
        return new Value(text, false);
    }

    static Value of(int number) {
        return new Value(Integer.toString(number), true);
    }

    JsonNode json() {
        JsonNodeFactory nodes = JsonNodeFactory.instance;
        return isNumber ? nodes.numberNode(Integer.parseInt(text)) : nodes.stringNode(text);
    }

    /// A template with its slots filled; `a {slot}` becomes `an` where the value needs it.
    static String fill(String template, Map<String, Value> values) {
        String text = template;
        for (Map.Entry<String, Value> entry : values.entrySet()) {
            String value = entry.getValue().text();
            String slot = "{" + entry.getKey() + "}";
            text = text.replace(" a " + slot, " " + Words.article(value) + " " + value)
                    .replace(slot, value);
        }
        return text;
    }
}
