package io.github.mixtral4j.train.loop;

import java.util.List;
import java.util.Locale;
import java.util.function.IntToDoubleFunction;

/// Drawings for the report: curves over steps and a heat map, as SVG inside a page.
final class Svg {
    private static final int WIDTH = 640;
    private static final int HEIGHT = 260;
    private static final int LEFT = 64;
    private static final int RIGHT = 12;
    private static final int TOP = 10;
    private static final int BOTTOM = 28;
    private static final int CELL = 36;
    private static final String[] COLORS = {"#2563a8", "#c2571a", "#2f7d4f"};

    private Svg() {}

    /// A curve.
    ///
    /// @param values a value for every point, NaN where there is none
    /// @param dots whether single values are shown
    record Curve(String name, double[] values, boolean dots) {}

    /// Draws curves over the steps of a run.
    ///
    /// @param step the step of a point
    static String curves(List<Curve> curves, IntToDoubleFunction step, int steps) {
        double low = Double.POSITIVE_INFINITY;
        double high = Double.NEGATIVE_INFINITY;
        for (Curve curve : curves) {
            for (double value : curve.values()) {
                low = value < low ? value : low;
                high = value > high ? value : high;
            }
        }
        if (low > high) {
            return "<p>no data yet</p>";
        }
        double[] ticks = ticks(low, high);
        double bottom = Math.min(low, ticks[0]);
        double top = Math.max(high, ticks[ticks.length - 1]);
        StringBuilder svg = new StringBuilder(open(WIDTH, HEIGHT));
        for (double tick : ticks) {
            double y = y(tick, bottom, top);
            svg.append(line(LEFT, y, WIDTH - RIGHT, y));
            svg.append(text(LEFT - 6, y + 4, "end", label(tick)));
        }
        for (double tick : ticks(0, steps)) {
            if (tick <= steps) {
                svg.append(text(x(tick, steps), HEIGHT - 8, "middle", label(tick)));
            }
        }
        for (int c = 0; c < curves.size(); c++) {
            svg.append(draw(curves.get(c), COLORS[c % COLORS.length], step, steps, bottom, top));
        }
        return svg.append("</svg>").append(legend(curves)).toString();
    }

    private static String draw(
            Curve curve, String color, IntToDoubleFunction step, int steps, double bottom, double top) {
        StringBuilder points = new StringBuilder();
        StringBuilder dots = new StringBuilder();
        for (int i = 0; i < curve.values().length; i++) {
            double value = curve.values()[i];
            if (!Double.isNaN(value)) {
                String x = number(x(step.applyAsDouble(i), steps));
                String y = number(y(value, bottom, top));
                points.append(x).append(',').append(y).append(' ');
                if (curve.dots()) {
                    dots.append("<circle cx=\"")
                            .append(x)
                            .append("\" cy=\"")
                            .append(y)
                            .append("\" r=\"3\" fill=\"")
                            .append(color)
                            .append("\"><title>")
                            .append(label(value))
                            .append("</title></circle>");
                }
            }
        }
        return "<polyline fill=\"none\" stroke-width=\"1.6\" stroke=\"" + color + "\" points=\""
                + points.toString().strip() + "\"/>" + dots;
    }

    private static String legend(List<Curve> curves) {
        if (curves.size() < 2) {
            return "";
        }
        StringBuilder legend = new StringBuilder("<p class=\"legend\">");
        for (int c = 0; c < curves.size(); c++) {
            legend.append("<span style=\"color:")
                    .append(COLORS[c % COLORS.length])
                    .append("\">■</span> ")
                    .append(curves.get(c).name())
                    .append(" &nbsp; ");
        }
        return legend.append("</p>").toString();
    }

    /// Draws how the rows of every layer are shared among its experts: white is none, the even share is in
    /// the middle.
    ///
    /// @param load `[layer][expert]`
    static String heatMap(long[][] load) {
        int experts = load[0].length;
        StringBuilder svg = new StringBuilder(open(LEFT + experts * CELL + RIGHT, (load.length + 1) * CELL));
        for (int expert = 0; expert < experts; expert++) {
            svg.append(text(LEFT + expert * CELL + CELL / 2.0, CELL - 12, "middle", Integer.toString(expert)));
        }
        for (int layer = 0; layer < load.length; layer++) {
            double y = (layer + 1.0) * CELL;
            svg.append(text(LEFT - 8, y + CELL / 2.0 + 4, "end", "layer " + layer));
            long sum = 0;
            for (long rows : load[layer]) {
                sum += rows;
            }
            for (int expert = 0; expert < load[layer].length; expert++) {
                double share = sum == 0 ? 0 : (double) load[layer][expert] * load[layer].length / sum;
                svg.append(cell(LEFT + (double) expert * CELL, y, share, "layer " + layer + ", expert " + expert));
            }
        }
        return svg.append("</svg>").toString();
    }

    private static String cell(double x, double y, double share, String name) {
        double strength = Math.min(1, share / 2);
        String color = String.format(
                Locale.ROOT,
                "rgb(%d,%d,%d)",
                Math.round(255 - 218 * strength),
                Math.round(255 - 156 * strength),
                Math.round(255 - 87 * strength));
        return "<rect x=\"" + number(x) + "\" y=\"" + number(y) + "\" width=\"" + (CELL - 1) + "\" height=\""
                + (CELL - 1) + "\" fill=\"" + color + "\"><title>" + name + ": " + number(share)
                + " of an even share</title></rect>"
                + "<text x=\"" + number(x + CELL / 2.0) + "\" y=\"" + number(y + CELL / 2.0 + 4)
                + "\" text-anchor=\"middle\" style=\"fill:" + (strength > 0.55 ? "#fff" : "#333") + "\">"
                + number(share) + "</text>";
    }

    /// Round numbers from at most `low` to at least `high`, about five.
    static double[] ticks(double low, double high) {
        double span = high - low > 0 ? high - low : Math.max(Math.abs(high), 1e-12);
        double unit = Math.pow(10, Math.floor(Math.log10(span / 4)));
        double size = span / 4 / unit;
        double step = unit * (size <= 1 ? 1 : size <= 2 ? 2 : size <= 5 ? 5 : 10);
        long first = (long) Math.floor(low / step);
        long last = (long) Math.ceil(high / step);
        double[] ticks = new double[(int) (Math.max(last, first + 1) - first) + 1];
        for (int i = 0; i < ticks.length; i++) {
            ticks[i] = (first + i) * step;
        }
        return ticks;
    }

    private static double x(double step, int steps) {
        return LEFT + (WIDTH - LEFT - RIGHT) * step / steps;
    }

    private static double y(double value, double bottom, double top) {
        return TOP + (HEIGHT - TOP - BOTTOM) * (top - value) / (top - bottom);
    }

    private static String open(int width, int height) {
        return "<svg viewBox=\"0 0 " + width + " " + height + "\" width=\"" + width + "\" height=\"" + height
                + "\" role=\"img\">";
    }

    private static String line(double x1, double y1, double x2, double y2) {
        return "<line x1=\"" + number(x1) + "\" y1=\"" + number(y1) + "\" x2=\"" + number(x2) + "\" y2=\"" + number(y2)
                + "\" stroke=\"#8884\"/>";
    }

    private static String text(double x, double y, String anchor, String content) {
        return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" text-anchor=\"" + anchor + "\">" + content
                + "</text>";
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.2f", value);
    }

    /// A number short enough to stand beside an axis.
    static String label(double value) {
        double size = Math.abs(value);
        if (size != 0 && (size < 1e-3 || size >= 1e6)) {
            return String.format(Locale.ROOT, "%.1e", value)
                    .replace(".0e", "e")
                    .replace("e-0", "e-")
                    .replace("e+0", "e");
        }
        String text = String.format(Locale.ROOT, "%.4f", value);
        return text.replaceFirst("\\.?0+$", "");
    }
}
