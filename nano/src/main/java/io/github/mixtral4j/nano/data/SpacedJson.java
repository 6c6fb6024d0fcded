package io.github.mixtral4j.nano.data;

import tools.jackson.core.JsonGenerator;
import tools.jackson.core.util.MinimalPrettyPrinter;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectWriter;
import tools.jackson.databind.json.JsonMapper;

/// JSON on one line with a space after each comma and colon, as the chat formats write it.
final class SpacedJson extends MinimalPrettyPrinter {
    private static final long serialVersionUID = 1L;
    private static final ObjectWriter WRITER = new JsonMapper().writer().with(new SpacedJson());

    private SpacedJson() {}

    static String write(JsonNode value) {
        return WRITER.writeValueAsString(value);
    }

    @Override
    public void writeObjectNameValueSeparator(JsonGenerator generator) {
        generator.writeRaw(": ");
    }

    @Override
    public void writeObjectEntrySeparator(JsonGenerator generator) {
        generator.writeRaw(", ");
    }

    @Override
    public void writeArrayValueSeparator(JsonGenerator generator) {
        generator.writeRaw(", ");
    }
}
