package io.github.mixtral4j.nano.data;

import io.github.mixtral4j.chat.Tool;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// Something that a function may be for, as a section of `tools.txt` describes it. [#declare] makes a function of it,
/// with another name, other parameter names and another description every time: what it is called can only be read,
/// not remembered.
///
/// @param subject heading of the section
/// @param verbs first words of names
/// @param nouns last words of names
/// @param abouts descriptions
/// @param slots what has to be known to call it
/// @param requests what users say, with slots
/// @param results fields of what it gives back
/// @param answer what the model says to that
record ToolKind(
        String subject,
        List<String> verbs,
        List<String> nouns,
        List<String> abouts,
        List<Slot> slots,
        List<String> requests,
        List<Field> results,
        String answer) {

    /// One in this many names of functions is held out.
    private static final int PERIOD = 8;

    /// Share of the names that begin with whoever offers the function: such a name cannot be known by heart.
    private static final double OFFERED_BY = 0.15;
    /// Share of the names to train on that say nothing of what the function is for: its description has to be read.
    private static final double NAMELESS = 0.25;

    /// A parameter: names and descriptions are alternatives.
    record Slot(String name, ValueKind kind, List<String> names, List<String> abouts) {
        /// Values for these slots by their names, such that no two are equal.
        static Map<String, Value> fill(List<Slot> slots, Dice dice, Split split) {
            Map<String, Value> values = new LinkedHashMap<>();
            for (Slot slot : slots) {
                Value value = slot.kind().roll(dice, split);
                while (values.containsValue(value)) {
                    value = slot.kind().roll(dice, split);
                }
                values.put(slot.name(), value);
            }
            return values;
        }
    }

    /// A field of a result.
    record Field(String name, ValueKind kind) {}

    /// A function with the names that its parameters have in it, by slot.
    record Declared(ToolKind kind, Tool tool, Map<String, String> parameters) {}

    /// Reads all sections.
    static List<ToolKind> readAll() {
        Vocabulary texts = Vocabulary.read("tools.txt");
        return texts.headings().stream().map(h -> of(h, texts.lines(h))).toList();
    }

    private static ToolKind of(String subject, List<String> lines) {
        List<String> names = Vocabulary.cells(line(lines, "name"));
        return new ToolKind(
                subject,
                commas(names.getFirst()),
                commas(names.getLast()),
                Vocabulary.cells(line(lines, "about")),
                all(lines, "param").map(ToolKind::slot).toList(),
                Vocabulary.cells(line(lines, "ask")),
                all(lines, "result")
                        .map(Vocabulary::cells)
                        .map(c -> new Field(c.getFirst(), ValueKind.of(c.get(1))))
                        .toList(),
                line(lines, "tell"));
    }

    private static Slot slot(String line) {
        List<String> cells = Vocabulary.cells(line);
        return new Slot(
                cells.getFirst(), ValueKind.of(cells.get(1)), commas(cells.get(2)), cells.subList(3, cells.size()));
    }

    private static Stream<String> all(List<String> lines, String keyword) {
        return lines.stream().filter(l -> l.startsWith(keyword + " ")).map(l -> l.substring(keyword.length() + 1));
    }

    private static String line(List<String> lines, String keyword) {
        return all(lines, keyword).findFirst().orElseThrow();
    }

    private static List<String> commas(String list) {
        return Stream.of(list.split(",")).map(String::strip).toList();
    }

    /// Functions for these purposes, no two with the same name.
    static List<Declared> declare(List<ToolKind> kinds, Dice dice, Split split) {
        List<Declared> declared = new ArrayList<>();
        for (ToolKind kind : kinds) {
            Declared next = kind.declare(dice, split);
            while (hasName(declared, next.tool().name())) {
                next = kind.declare(dice, split);
            }
            declared.add(next);
        }
        return declared;
    }

    private static boolean hasName(List<Declared> declared, String name) {
        return declared.stream().anyMatch(d -> d.tool().name().equals(name));
    }

    /// A function for this, with a name of that side.
    Declared declare(Dice dice, Split split) {
        Map<String, String> parameters = new LinkedHashMap<>();
        ObjectNode properties = JsonNodeFactory.instance.objectNode();
        boolean described = dice.chance(0.5);
        for (Slot slot : dice.chance(0.7) ? slots : dice.shuffled(slots)) {
            String parameter = dice.chance(0.5) ? slot.names().getFirst() : dice.of(slot.names());
            while (parameters.containsValue(parameter)) {
                parameter = dice.of(slot.names());
            }
            parameters.put(slot.name(), parameter);
            ObjectNode property =
                    properties.putObject(parameter).put("type", slot.kind().type());
            if (described) {
                property.put("description", dice.of(slot.abouts()));
            }
        }
        ObjectNode schema = JsonNodeFactory.instance.objectNode().put("type", "object");
        schema.set("properties", properties);
        parameters.values().forEach(schema.putArray("required")::add);
        return new Declared(this, new Tool(name(dice, split), dice.of(abouts), schema), parameters);
    }

    private String name(Dice dice, Split split) {
        while (true) {
            List<String> words = new ArrayList<>();
            if (dice.chance(OFFERED_BY)) {
                words.add(word(dice, split));
            }
            if (split == Split.TRAIN && dice.chance(NAMELESS)) {
                words.add(word(dice, split));
                words.add(word(dice, split));
            } else {
                words.addAll(List.of(dice.of(verbs).split(" ")));
                words.addAll(List.of(dice.of(nouns).split(" ")));
            }
            String name = switch (dice.between(0, 5)) {
                case 0, 1, 2, 3 -> String.join("_", words);
                case 4 -> camel(words);
                default -> String.join("-", words);
            };
            if (Split.of(name, PERIOD) == split) {
                return name;
            }
        }
    }

    /// A word that nobody knows; names of functions are of ASCII letters.
    private static String word(Dice dice, Split split) {
        while (true) {
            String word = MadeUp.name(dice, split, "").toLowerCase(Locale.ROOT);
            if (word.matches("[a-z]+")) {
                return word;
            }
        }
    }

    private static String camel(List<String> words) {
        return words.getFirst().toLowerCase(Locale.ROOT)
                + words.stream().skip(1).map(Words::capitalized).collect(Collectors.joining());
    }

    /// Values for all slots, such that no two are equal.
    Map<String, Value> fill(Dice dice, Split split) {
        return Slot.fill(slots, dice, split);
    }

    /// What the user says to have it called with these values.
    String request(Dice dice, Map<String, Value> values) {
        return Value.fill(dice.of(requests), values);
    }
}
