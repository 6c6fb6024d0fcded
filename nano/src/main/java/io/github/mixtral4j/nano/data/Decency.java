package io.github.mixtral4j.nano.data;

import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/// Keeps out of the training text what no program should say: words of another century in the corpora, and accidents
/// of made-up names.
final class Decency {
    /// Whole words, in texts.
    private static final Pattern WORDS = Pattern.compile(
            "\\b(?:negro(?:es)?|nigg\\w*|savages?|squaws?|mulatto\\w*|cannibal\\w*|heathen\\w*|redskins?|half-breeds?"
                    + "|lynch\\w*|whores?|harlots?|bitch\\w*|barbarians?|chinam[ae]n|coolies?|slaves?|slavery"
                    + "|rap(?:e[ds]?|ing|ists?)|genocid\\w*|pagans?|tawny|infidels?|idolat\\w*|gipsy|gypsies)\\b",
            Pattern.CASE_INSENSITIVE);

    /// Parts of words, in names that are put together from syllables.
    private static final List<String> PARTS = List.of(
            "fuk", "fuc", "shit", "kak", "kunt", "dik", "nig", "neg", "naz", "hitl", "rap", "tit", "sex", "pis", "pus",
            "puta", "puto", "kul", "fag", "gai", "jud", "jew", "kop", "mort", "tod", "sat", "bast", "hur", "hor", "wix",
            "anal", "anus", "kil", "peni", "vagi", "porn", "gei", "shag", "tran", "spas", "kuk", "coc", "bin", "osam",
            "stal");

    private Decency() {}

    /// Whether a text has a word of the list.
    static boolean isUnfit(String text) {
        return WORDS.matcher(text).find();
    }

    /// Whether a made-up name has an unlucky part.
    static boolean offends(String name) {
        String lower = name.toLowerCase(Locale.ROOT);
        return PARTS.stream().anyMatch(lower::contains);
    }
}
