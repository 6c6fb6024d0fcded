package io.github.mixtral4j.generate;

import java.util.List;
import java.util.Optional;

/// Finds stop strings in a text that arrives in parts, and holds back what may be the beginning of one.
///
/// The text ends at the first character that completes a stop string; if it completes several, the longest of them
/// counts. So the outcome does not depend on where the parts begin and end. With the stop string `\n\nUser`, the part
/// `yes\n` gives `yes` and holds `\n` back; then `\nNo` gives `\n\nNo`, while `\nUser:` ends the text.
///
/// Source: Knuth, Morris, Pratt 1977, "Fast Pattern Matching in Strings": one automaton per stop string, which never
/// looks at a character twice.
final class StopMatcher {
    private final List<Pattern> patterns;
    private final StringBuilder held = new StringBuilder();
    private Optional<String> match = Optional.empty();

    StopMatcher(List<String> stopStrings) {
        patterns = stopStrings.stream().map(Pattern::new).toList();
    }

    /// Takes the next part.
    ///
    /// @return the text that is now known to precede any stop string; nothing after a match
    String feed(String part) {
        if (match.isPresent()) {
            return "";
        }
        for (int i = 0; i < part.length(); i++) {
            held.append(part.charAt(i));
            match = complete(part.charAt(i));
            if (match.isPresent()) {
                held.setLength(held.length() - match.get().length());
                return flush();
            }
        }
        int undecided = patterns.stream().mapToInt(p -> p.matched).max().orElse(0);
        String certain = held.substring(0, held.length() - undecided);
        held.delete(0, certain.length());
        return certain;
    }

    /// The longest stop string that the text ends with once this character has come.
    private Optional<String> complete(char c) {
        String longest = "";
        for (Pattern pattern : patterns) {
            if (pattern.advance(c) && pattern.stop.length() > longest.length()) {
                longest = pattern.stop;
            }
        }
        return longest.isEmpty() ? Optional.empty() : Optional.of(longest);
    }

    /// The stop string that ended the text.
    Optional<String> match() {
        return match;
    }

    /// What is still held back when the text ends without a stop string.
    String flush() {
        String rest = held.toString();
        held.setLength(0);
        return rest;
    }

    private static final class Pattern {
        private final String stop;
        /// For each length of a partial match, the length of the next shorter one that ends at the same character.
        private final int[] shorter;
        /// Length of the longest beginning of the stop string that the text so far ends with.
        private int matched;

        Pattern(String stop) {
            this.stop = stop;
            shorter = new int[stop.length() + 1];
            for (int i = 1; i < stop.length(); i++) {
                int length = next(shorter[i], stop.charAt(i));
                shorter[i + 1] = length;
            }
        }

        /// @return whether the stop string is now complete
        boolean advance(char c) {
            matched = next(matched, c);
            return matched == stop.length();
        }

        private int next(int length, char c) {
            while (length > 0 && stop.charAt(length) != c) {
                length = shorter[length];
            }
            return stop.charAt(length) == c ? length + 1 : 0;
        }
    }
}
