package io.github.mixtral4j.nano.data;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// Texts and the JSON that a schema wants from them. The schema asks for some of what the text tells, under names and
/// in an order of its own, and sometimes for what the text does not tell: that is null.
///
/// Held out: names of people, places and books, and texts as a whole.
final class Extraction implements SampleSource {
    private static final Vocabulary TEXTS = Vocabulary.read("records.txt");

    private final List<Kind> kinds = TEXTS.headings().stream()
            .filter(h -> !h.equals("layouts"))
            .map(Extraction::kind)
            .toList();

    /// What can be told of one kind of thing.
    private record Kind(List<ToolKind.Slot> fields, List<Text> texts) {}

    private record Text(Language language, String template) {}

    private static Kind kind(String heading) {
        List<ToolKind.Slot> fields = new ArrayList<>();
        List<Text> texts = new ArrayList<>();
        for (String line : TEXTS.lines(heading)) {
            if (line.startsWith("field ")) {
                List<String> cells = Vocabulary.cells(line.substring("field ".length()));
                List<String> names =
                        Stream.of(cells.get(2).split(",")).map(String::strip).toList();
                fields.add(new ToolKind.Slot(cells.getFirst(), ValueKind.of(cells.get(1)), names, List.of()));
            } else {
                String[] parts = line.split(" ", 3);
                texts.add(new Text(Language.valueOf(parts[1].toUpperCase(Locale.ROOT)), parts[2]));
            }
        }
        return new Kind(List.copyOf(fields), List.copyOf(texts));
    }

    @Override
    public Sample next(Dice dice, Split split) {
        Kind kind = dice.of(kinds);
        Map<String, Value> values = new LinkedHashMap<>();
        for (ToolKind.Slot field : kind.fields()) {
            Value value = field.kind().roll(dice, split);
            while (values.containsValue(value)) {
                value = field.kind().roll(dice, split);
            }
            values.put(field.name(), value);
        }
        Text text = dice.of(kind.texts());
        ObjectNode properties = JsonNodeFactory.instance.objectNode();
        ObjectNode answer = JsonNodeFactory.instance.objectNode();
        ArrayNode required = JsonNodeFactory.instance.arrayNode();
        int wanted = dice.between(2, kind.fields().size());
        for (ToolKind.Slot field : dice.shuffled(kind.fields()).subList(0, wanted)) {
            String name = dice.of(field.names());
            while (properties.has(name)) {
                name = dice.of(field.names());
            }
            boolean told = text.template().contains("{" + field.name() + "}");
            ObjectNode property = properties.putObject(name);
            if (told) {
                property.put("type", field.kind().type());
                answer.set(name, values.getOrDefault(field.name(), Value.of("")).json());
            } else {
                property.putArray("type").add(field.kind().type()).add("null");
                answer.putNull(name);
            }
            required.add(name);
        }
        ObjectNode schema = JsonNodeFactory.instance.objectNode().put("type", "object");
        schema.set("properties", properties);
        schema.set("required", required);
        String filled = Value.fill(text.template(), values);
        String question = dice.of(TEXTS.lines("layouts"))
                .replace("\\n", "\n")
                .replace("{schema}", SpacedJson.write(schema))
                .replace("{text}", filled);
        return Sample.of(
                        "extraction",
                        text.language(),
                        question,
                        SpacedJson.write(answer),
                        new Expected.Json(schema, answer))
                .withKey(filled)
                .withRejected(answer.size() > 1 ? SpacedJson.write(withoutLast(answer)) : filled);
    }

    private static ObjectNode withoutLast(ObjectNode answer) {
        ObjectNode shorter = answer.deepCopy();
        shorter.remove(List.copyOf(answer.propertyNames()).getLast());
        return shorter;
    }
}
