package io.github.mixtral4j.tokenizer;

import java.util.Locale;

/// Foreign texts on their way into messages: short, and without control characters, which could steer
/// the terminal that prints the message. (As `Names` of the package checkpoint, which is not to be
/// imported here.)
final class Excerpt {
    private Excerpt() {}

    /// The begin of a text, in quotes.
    static String quote(String text) {
        return '"' + of(text) + '"';
    }

    /// The begin of a text, with control characters as `\u001b`.
    static String of(String text) {
        return of(text, 60);
    }

    /// As much of a text as about so many characters can show.
    static String of(String text, int length) {
        StringBuilder out = new StringBuilder();
        int i = 0;
        for (; i < text.length() && out.length() < length; i++) {
            char c = text.charAt(i);
            out.append(Character.isISOControl(c) ? String.format(Locale.ROOT, "\\u%04x", (int) c) : c);
        }
        return i < text.length() ? out.append('…').toString() : out.toString();
    }
}
