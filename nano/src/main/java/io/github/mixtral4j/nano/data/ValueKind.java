package io.github.mixtral4j.nano.data;

import java.util.List;
import java.util.stream.Stream;

/// What a slot may be filled with, written in the word lists as `int:2:90`, `enum:on,off`, `city`, or the name of a
/// list of `words.txt`.
record ValueKind(String name, List<String> choices, int low, int high) {
    /// @throws IllegalArgumentException if there is no such kind
    static ValueKind of(String text) {
        String[] parts = text.split(":");
        return switch (parts[0]) {
            case "int" -> new ValueKind("int", List.of(), Integer.parseInt(parts[1]), Integer.parseInt(parts[2]));
            case "enum" -> new ValueKind("enum", Stream.of(parts[1].split(",")).toList(), 0, 0);
            case "city", "person", "name", "time", "date", "title", "made-up" -> new ValueKind(text, List.of(), 0, 0);
            default -> new ValueKind("list", Words.list(text), 0, 0);
        };
    }

    /// Its type in JSON Schema.
    String type() {
        return name.equals("int") ? "integer" : "string";
    }

    /// A value, with names of that side.
    Value roll(Dice dice, Split split) {
        return switch (name) {
            case "int" -> Value.of(dice.between(low, high));
            case "enum", "list" -> Value.of(dice.of(choices));
            case "city" -> Value.of(Words.city(dice, split));
            case "person" -> Value.of(Words.person(dice, split).name());
            case "name" -> Value.of(Words.fullName(dice, split));
            case "time" -> Value.of(Words.time(dice));
            case "date" -> Value.of(Words.date(dice));
            case "title" -> Value.of(Words.bookTitle(dice, split));
            default -> Value.of(MadeUp.name(dice, split, ""));
        };
    }
}
