package io.github.mixtral4j.nano.eval;

import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A Markdown page whose figures stand between marks, so that an evaluation can write them and people the rest.
/// ```
/// <!-- aims -->
/// | held-out task | reached | aim |
/// <!-- /aims -->
/// ```
public final class ModelCard {
    private ModelCard() {}

    /// The page with new figures.
    ///
    /// @param card the page
    /// @param sections what to put between which marks
    /// @throws IllegalArgumentException if the page lacks the marks of a section
    public static String fill(String card, Map<String, String> sections) {
        String page = card;
        for (Map.Entry<String, String> section : sections.entrySet()) {
            String begin = "<!-- " + section.getKey() + " -->\n";
            String end = "<!-- /" + section.getKey() + " -->";
            Matcher place = Pattern.compile(Pattern.quote(begin) + ".*?" + Pattern.quote(end), Pattern.DOTALL)
                    .matcher(page);
            if (!place.find()) {
                throw new IllegalArgumentException("the model card has no place for " + section.getKey() + "; expected "
                        + begin.strip() + " and " + end);
            }
            page = place.replaceFirst(Matcher.quoteReplacement(begin + section.getValue() + end));
        }
        return page;
    }
}
