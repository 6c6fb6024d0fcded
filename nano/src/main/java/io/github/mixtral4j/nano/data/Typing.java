package io.github.mixtral4j.nano.data;

import java.util.Locale;

/// Text as people type it: often without capitals, and without the mark at the end.
final class Typing {
    private Typing() {}

    /// The text as it is in three cases of four; never changed where capitals carry meaning, in names and in German
    /// nouns, beyond its first letter.
    static String asTyped(Dice dice, String text) {
        String typed = text;
        if (dice.chance(0.15) && typed.length() > 1 && !Character.isUpperCase(typed.charAt(1))) {
            typed = typed.substring(0, 1).toLowerCase(Locale.ROOT) + typed.substring(1);
        }
        if (dice.chance(0.12) && typed.matches(".*\\p{L} ?[.?!]")) {
            typed = typed.substring(0, typed.length() - 1).strip();
        }
        return typed;
    }
}
