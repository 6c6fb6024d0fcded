// Medians, spreads and Markdown.

/** The middle of the values, of two middle ones their mean. */
export function median(values) {
    const sorted = [...values].sort((a, b) => a - b);
    const middle = sorted.length >> 1;
    return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export const summary = (values) => ({median: median(values), min: Math.min(...values), max: Math.max(...values)});

export const row = (...cells) => console.log(`| ${cells.join(" | ")} |`);

/** The heading of a table whose first column is text and whose others are numbers. */
export function heading(...cells) {
    row(...cells);
    row("---", ...cells.slice(1).map(() => "---:"));
}

export const n = (x) => x.toFixed(2);
export const gb = (x) => (x / 1e9).toFixed(2);
export const spread = (s) => `${n(s.min)}–${n(s.max)}`;
