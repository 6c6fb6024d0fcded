package io.github.mixtral4j.nano.data;

import io.github.mixtral4j.chat.Message;
import io.github.mixtral4j.chat.Message.AssistantMessage;
import io.github.mixtral4j.chat.Message.UserMessage;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// Texts and the JSON that a schema wants from them. The schema asks for some of what the text tells, under names and
/// in an order of its own, and sometimes for what the text does not tell: that is null.
///
/// Held out: names of people, places and books, and texts as a whole.
final class Extraction implements SampleSource {
    private static final Vocabulary TEXTS = Vocabulary.read("records.txt");

    /// Share of the samples with a second text.
    private static final double FOLLOWED = 0.4;

    private final List<Kind> kinds = TEXTS.headings().stream()
            .filter(h -> !h.endsWith("layouts"))
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
        List<Filled> texts = new ArrayList<>(List.of(fill(dice, split, dice.of(kind.texts()), kind)));
        if (dice.chance(FOLLOWED)) {
            Language language = texts.getFirst().text().language();
            List<Text> others =
                    kind.texts().stream().filter(t -> t.language() == language).toList();
            texts.add(fill(dice, split, dice.of(others), kind));
        }
        ObjectNode properties = JsonNodeFactory.instance.objectNode();
        ArrayNode required = JsonNodeFactory.instance.arrayNode();
        List<ObjectNode> answers =
                texts.stream().map(t -> JsonNodeFactory.instance.objectNode()).toList();
        int wanted = dice.between(2, kind.fields().size());
        for (ToolKind.Slot field : dice.shuffled(kind.fields()).subList(0, wanted)) {
            String name = dice.of(field.names());
            while (properties.has(name)) {
                name = dice.of(field.names());
            }
            ObjectNode property = properties.putObject(name);
            if (texts.stream().allMatch(t -> t.tells(field))) {
                property.put("type", field.kind().type());
            } else {
                property.putArray("type").add(field.kind().type()).add("null");
            }
            for (int i = 0; i < texts.size(); i++) {
                answers.get(i).set(name, texts.get(i).value(field));
            }
            required.add(name);
        }
        ObjectNode schema = JsonNodeFactory.instance.objectNode().put("type", "object");
        schema.set("properties", properties);
        schema.set("required", required);
        return sample(dice, schema, texts, answers);
    }

    private static Sample sample(Dice dice, ObjectNode schema, List<Filled> texts, List<ObjectNode> answers) {
        List<Message> messages = new ArrayList<>();
        for (int i = 0; i < texts.size(); i++) {
            messages.add(new UserMessage(dice.of(TEXTS.lines(i == 0 ? "layouts" : "next layouts"))
                    .replace("{schema}", SpacedJson.write(schema))
                    .replace("{text}", texts.get(i).said())));
            messages.add(new AssistantMessage(SpacedJson.write(answers.get(i))));
        }
        Filled last = texts.getLast();
        ObjectNode answer = answers.getLast();
        return new Sample(
                "extraction",
                last.text().language(),
                messages,
                List.of(),
                new Expected.Json(schema, answer),
                last.said(),
                Optional.of(
                        new AssistantMessage(answer.size() > 1 ? SpacedJson.write(withoutLast(answer)) : last.said())));
    }

    /// A text with values, which it tells or not.
    private record Filled(Text text, Map<String, Value> values, String said) {
        boolean tells(ToolKind.Slot field) {
            return text.template().contains("{" + field.name() + "}");
        }

        JsonNode value(ToolKind.Slot field) {
            return tells(field)
                    ? values.getOrDefault(field.name(), Value.of("")).json()
                    : JsonNodeFactory.instance.nullNode();
        }
    }

    private static Filled fill(Dice dice, Split split, Text text, Kind kind) {
        Map<String, Value> values = ToolKind.Slot.fill(kind.fields(), dice, split);
        return new Filled(text, values, Value.fill(text.template(), values));
    }

    private static ObjectNode withoutLast(ObjectNode answer) {
        ObjectNode shorter = answer.deepCopy();
        shorter.remove(List.copyOf(answer.propertyNames()).getLast());
        return shorter;
    }
}
