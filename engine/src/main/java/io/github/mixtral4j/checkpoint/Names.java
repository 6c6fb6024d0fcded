package io.github.mixtral4j.checkpoint;

import java.nio.file.Path;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/// Names that come from files, on their way into messages.
public final class Names {
    /// Longest tensor name or metadata key accepted. GGUF itself allows 64 bytes for a tensor.
    static final int MAX_LENGTH = 1024;

    private Names() {}

    /// The last part of a path, as messages show it.
    public static String file(Path path) {
        // "." and "" have a name too.
        Path name = path.toAbsolutePath().normalize().getFileName();
        return name == null ? path.toString() : name.toString();
    }

    /// The name itself, if it can stand in a message: not empty, not endless, without control characters (which could
    /// steer the terminal that prints the message).
    ///
    /// @param kind what is named, "tensor name" or "metadata key"
    static String check(String file, String kind, String name) {
        if (name.isEmpty()) {
            throw new CheckpointException(file + ": a " + kind + " is empty");
        }
        if (name.length() > MAX_LENGTH) {
            throw new CheckpointException(file + ": a " + kind + " has " + name.length() + " characters, at most "
                    + MAX_LENGTH + " are expected; it starts with " + quote(name));
        }
        if (name.chars().anyMatch(Character::isISOControl)) {
            throw new CheckpointException(file + ": a " + kind + " contains control characters: " + quote(name));
        }
        return name;
    }

    /// A foreign text in quotes, shortened and [#printable(String)].
    public static String quote(String text) {
        return '"' + printable(text, 60) + '"';
    }

    /// A foreign text, [#printable(String)] and shortened.
    ///
    /// @param length characters to show at most, but for the ellipsis
    public static String printable(String text, int length) {
        String shown = printable(text.substring(0, Math.min(text.length(), length)));
        boolean whole = shown.length() <= length && text.length() <= length;
        return whole ? shown : shown.substring(0, Math.min(shown.length(), length)) + "…";
    }

    /// A foreign text with control characters as `\u001b`.
    public static String printable(String text) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            out.append(Character.isISOControl(c) ? String.format(Locale.ROOT, "\\u%04x", (int) c) : c);
        }
        return out.toString();
    }

    /// `"; similar: a, b"` with up to three names that are few edits away, or an empty string.
    public static String similar(String wanted, Collection<String> names) {
        record Near(String name, int edits) {}
        List<String> near = names.stream()
                .filter(name -> Math.abs(name.length() - wanted.length()) <= wanted.length() / 3)
                .map(name -> new Near(name, edits(wanted, name)))
                .filter(candidate -> candidate.edits() <= wanted.length() / 3)
                .sorted(Comparator.comparingInt(Near::edits))
                .limit(3)
                .map(Near::name)
                .toList();
        return near.isEmpty() ? "" : "; similar: " + String.join(", ", near);
    }

    /// Levenshtein distance, one row of the table at a time.
    private static int edits(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int replaced = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(replaced, Math.min(row[j], row[j - 1]) + 1);
            }
        }
        return row[b.length()];
    }
}
