package io.github.mixtral4j.kernel;

import static io.github.mixtral4j.kernel.Lanes.COUNT;
import static io.github.mixtral4j.kernel.Lanes.FLOATS;

import jdk.incubator.vector.FloatVector;

/// `c += a · b` on arrays of one thread, for blocks that lie in its caches: what products of floats and attention are
/// made of in training. Lanes run along the columns of `b` and `c`, which come in panels of two registers; elements of
/// `a` are broadcast.
///
/// Every element of `c` is a sum in the order of `k`.
final class PanelProduct {
    /// Columns of a panel.
    static final int PANEL = 2 * COUNT;

    private PanelProduct() {}

    /// Columns rounded up to whole panels.
    static int padded(int columns) {
        return Math.ceilDiv(columns, PANEL) * PANEL;
    }

    /// Multiplies `m` rows of depth `k` with `n` columns, whole panels.
    ///
    /// @param a element `(row, i)` is at `aAt + row * aRow + i * aDepth`
    /// @param b element `(i, column)` is at `bAt + column / PANEL * bPanel + i * bDepth + column % PANEL`
    /// @param c element `(row, column)` is at `cAt + row * cRow + column`
    static void multiplyAdd(
            int m,
            int n,
            int k,
            float[] a,
            int aAt,
            int aRow,
            int aDepth,
            float[] b,
            int bAt,
            int bDepth,
            int bPanel,
            float[] c,
            int cAt,
            int cRow) {
        for (int column = 0; column < n; column += PANEL) {
            int panel = bAt + column / PANEL * bPanel;
            int row = 0;
            for (; row <= m - 6; row += 6) {
                rows6(k, a, aAt + row * aRow, aRow, aDepth, b, panel, bDepth, c, cAt + row * cRow + column, cRow);
            }
            for (; row < m; row++) {
                row1(k, a, aAt + row * aRow, aDepth, b, panel, bDepth, c, cAt + row * cRow + column);
            }
        }
    }

    private static void rows6(
            int k,
            float[] a,
            int aAt,
            int aRow,
            int aDepth,
            float[] b,
            int bAt,
            int bDepth,
            float[] c,
            int at,
            int cRow) {
        FloatVector c0a = FloatVector.fromArray(FLOATS, c, at);
        FloatVector c0b = FloatVector.fromArray(FLOATS, c, at + COUNT);
        FloatVector c1a = FloatVector.fromArray(FLOATS, c, at + cRow);
        FloatVector c1b = FloatVector.fromArray(FLOATS, c, at + cRow + COUNT);
        FloatVector c2a = FloatVector.fromArray(FLOATS, c, at + 2 * cRow);
        FloatVector c2b = FloatVector.fromArray(FLOATS, c, at + 2 * cRow + COUNT);
        FloatVector c3a = FloatVector.fromArray(FLOATS, c, at + 3 * cRow);
        FloatVector c3b = FloatVector.fromArray(FLOATS, c, at + 3 * cRow + COUNT);
        FloatVector c4a = FloatVector.fromArray(FLOATS, c, at + 4 * cRow);
        FloatVector c4b = FloatVector.fromArray(FLOATS, c, at + 4 * cRow + COUNT);
        FloatVector c5a = FloatVector.fromArray(FLOATS, c, at + 5 * cRow);
        FloatVector c5b = FloatVector.fromArray(FLOATS, c, at + 5 * cRow + COUNT);
        int left = aAt;
        int right = bAt;
        for (int i = 0; i < k; i++) {
            FloatVector b0 = FloatVector.fromArray(FLOATS, b, right);
            FloatVector b1 = FloatVector.fromArray(FLOATS, b, right + COUNT);
            FloatVector x = FloatVector.broadcast(FLOATS, a[left]);
            c0a = b0.fma(x, c0a);
            c0b = b1.fma(x, c0b);
            x = FloatVector.broadcast(FLOATS, a[left + aRow]);
            c1a = b0.fma(x, c1a);
            c1b = b1.fma(x, c1b);
            x = FloatVector.broadcast(FLOATS, a[left + 2 * aRow]);
            c2a = b0.fma(x, c2a);
            c2b = b1.fma(x, c2b);
            x = FloatVector.broadcast(FLOATS, a[left + 3 * aRow]);
            c3a = b0.fma(x, c3a);
            c3b = b1.fma(x, c3b);
            x = FloatVector.broadcast(FLOATS, a[left + 4 * aRow]);
            c4a = b0.fma(x, c4a);
            c4b = b1.fma(x, c4b);
            x = FloatVector.broadcast(FLOATS, a[left + 5 * aRow]);
            c5a = b0.fma(x, c5a);
            c5b = b1.fma(x, c5b);
            left += aDepth;
            right += bDepth;
        }
        c0a.intoArray(c, at);
        c0b.intoArray(c, at + COUNT);
        c1a.intoArray(c, at + cRow);
        c1b.intoArray(c, at + cRow + COUNT);
        c2a.intoArray(c, at + 2 * cRow);
        c2b.intoArray(c, at + 2 * cRow + COUNT);
        c3a.intoArray(c, at + 3 * cRow);
        c3b.intoArray(c, at + 3 * cRow + COUNT);
        c4a.intoArray(c, at + 4 * cRow);
        c4b.intoArray(c, at + 4 * cRow + COUNT);
        c5a.intoArray(c, at + 5 * cRow);
        c5b.intoArray(c, at + 5 * cRow + COUNT);
    }

    private static void row1(int k, float[] a, int aAt, int aDepth, float[] b, int bAt, int bDepth, float[] c, int at) {
        FloatVector c0 = FloatVector.fromArray(FLOATS, c, at);
        FloatVector c1 = FloatVector.fromArray(FLOATS, c, at + COUNT);
        int left = aAt;
        int right = bAt;
        for (int i = 0; i < k; i++) {
            FloatVector x = FloatVector.broadcast(FLOATS, a[left]);
            c0 = FloatVector.fromArray(FLOATS, b, right).fma(x, c0);
            c1 = FloatVector.fromArray(FLOATS, b, right + COUNT).fma(x, c1);
            left += aDepth;
            right += bDepth;
        }
        c0.intoArray(c, at);
        c1.intoArray(c, at + COUNT);
    }
}
