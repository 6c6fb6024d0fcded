package io.github.mixtral4j.train.loop;

import io.github.mixtral4j.train.loop.Svg.Curve;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// A page about a run: what it has reached, its curves, and which experts its tokens went to. One file
/// without links to any other, so that it opens anywhere.
final class Report {
    private static final String STYLE = """
            :root { color-scheme: light dark; }
            body { font: 15px/1.5 system-ui, sans-serif; max-width: 1360px; margin: 2em auto; padding: 0 1em; }
            h1 { font-size: 1.4em; } h2 { font-size: 1.05em; margin: 0 0 .4em; }
            main { display: flex; flex-wrap: wrap; gap: 2em; } section { max-width: 640px; }
            svg { max-width: 100%; height: auto; } text { font-size: 12px; fill: #888; }
            dl { display: grid; grid-template-columns: max-content auto; gap: 0 1em; } dd { margin: 0; }
            .legend { margin: 0; font-size: 13px; }
            """;

    private Report() {}

    /// Writes the page.
    ///
    /// @param name of the run
    /// @param steps of the whole run
    static void write(Path metrics, Path page, String name, int steps) throws IOException {
        Folders.replace(page, html(Curves.read(metrics, steps), name, steps));
    }

    private static String html(Curves curves, String name, int steps) {
        StringBuilder html = new StringBuilder(
                        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>")
                .append(escape(name))
                .append("</title><style>\n")
                .append(STYLE)
                .append("</style></head><body>\n<h1>")
                .append(escape(name))
                .append("</h1>\n")
                .append(summary(curves, steps))
                .append("<main>\n");
        List<Curve> losses = new ArrayList<>();
        losses.add(new Curve("training", curves.loss.values(), false));
        if (!curves.evalLoss.isEmpty()) {
            losses.add(new Curve("evaluation", curves.evalLoss.values(), true));
        }
        section(html, "Loss", Svg.curves(losses, curves::step, steps));
        if (!curves.preferred.isEmpty()) {
            section(html, "Share of pairs with the chosen reply ahead", one(curves, curves.preferred, steps));
        }
        section(html, "Learning rate", one(curves, curves.learningRate, steps));
        section(html, "Length of the gradient", one(curves, curves.gradientNorm, steps));
        section(html, "Tokens per second", one(curves, curves.tokensPerSecond, steps));
        if (!curves.imbalance.isEmpty()) {
            section(
                    html,
                    "Load of the busiest expert, in even shares, in the worst layer",
                    one(curves, curves.imbalance, steps));
        }
        if (curves.load.length > 0 && curves.load[0].length > 0) {
            section(html, "Load of the experts in the last tenth of the steps; 1 is even", Svg.heatMap(curves.load));
        }
        return html.append("</main></body></html>\n").toString();
    }

    private static String summary(Curves curves, int steps) {
        StringBuilder list = new StringBuilder("<dl>");
        entry(list, "steps", curves.lastStep + " of " + steps);
        entry(list, "tokens", String.format(Locale.ROOT, "%,d", curves.tokens));
        entry(list, "time", String.format(Locale.ROOT, "%.1f minutes", curves.seconds / 60));
        loss(list, "loss of the last step", curves.lastLoss);
        loss(list, "evaluation before the first step", curves.firstEvalLoss);
        loss(list, "last evaluation", curves.lastEvalLoss);
        return list.append("</dl>\n").toString();
    }

    private static void loss(StringBuilder list, String term, double loss) {
        if (!Double.isNaN(loss)) {
            entry(list, term, String.format(Locale.ROOT, "%.4f", loss));
        }
    }

    private static void entry(StringBuilder list, String term, String value) {
        list.append("<dt>").append(term).append("</dt><dd>").append(value).append("</dd>");
    }

    private static String one(Curves curves, Curves.Mean mean, int steps) {
        return Svg.curves(List.of(new Curve("", mean.values(), false)), curves::step, steps);
    }

    private static void section(StringBuilder html, String title, String content) {
        html.append("<section><h2>")
                .append(title)
                .append("</h2>")
                .append(content)
                .append("</section>\n");
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }
}
