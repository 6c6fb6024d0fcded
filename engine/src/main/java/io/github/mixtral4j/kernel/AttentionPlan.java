package io.github.mixtral4j.kernel;

import java.util.Arrays;

/// How attention is cut into parts: blocks of up to [#BLOCK_ROWS] consecutive rows of one sequence, each over all pages
/// that it sees, or, for a sequence with a single block in the batch, over pieces of [#PIECE_PAGES] pages, which are
/// merged afterwards. So a long sequence keeps more threads busy than it has key and value heads.
///
/// The cut depends on the rows alone: results do not depend on the number of threads.
///
/// Example: a row at position 1200 sees 19 pages and becomes three parts, of pages 0–7, 8–15 and 16–18. A prompt of 40
/// rows becomes blocks of 16, 16 and 8 rows, each over all of its pages.
final class AttentionPlan {
    /// Rows that share one reading of a page.
    static final int BLOCK_ROWS = 16;
    /// Half a megabyte of keys and values of a head of 128 elements in F32: what a second-level cache holds.
    static final int PIECE_PAGES = 8;

    private int parts;
    private int merges;
    private int slots;
    private int mostPages;
    private int[] firstRow = {};
    private int[] rows = {};
    private int[] firstPage = {};
    private int[] pages = {};
    private int[] slot = {};
    private int[] mergePart = {};
    private int[] mergePieces = {};

    /// Cuts the first `count` rows; what it allocates it keeps for the next time.
    void cut(int count, int[] positions, int[] sequences) {
        parts = 0;
        merges = 0;
        slots = 0;
        mostPages = 0;
        int end;
        for (int from = 0; from < count; from = end) {
            end = from + 1;
            while (end < count && sequences[end] == sequences[from] && positions[end] == positions[end - 1] + 1) {
                end++;
            }
            if (end - from <= BLOCK_ROWS) {
                pieces(from, end - from, pagesUpTo(positions[end - 1]));
                continue;
            }
            for (int row = from; row < end; row += BLOCK_ROWS) {
                int last = Math.min(row + BLOCK_ROWS, end) - 1;
                add(row, last + 1 - row, 0, pagesUpTo(positions[last]), -1);
            }
        }
    }

    private static int pagesUpTo(int position) {
        return position / PagedKv.PAGE_TOKENS + 1;
    }

    private void pieces(int row, int count, int pageCount) {
        if (pageCount <= PIECE_PAGES) {
            add(row, count, 0, pageCount, -1);
            return;
        }
        if (merges == mergePart.length) {
            mergePart = grow(mergePart);
            mergePieces = grow(mergePieces);
        }
        mergePart[merges] = parts;
        mergePieces[merges++] = Math.ceilDiv(pageCount, PIECE_PAGES);
        for (int page = 0; page < pageCount; page += PIECE_PAGES) {
            add(row, count, page, Math.min(PIECE_PAGES, pageCount - page), slots);
            slots += count;
        }
    }

    private void add(int row, int rowCount, int page, int pageCount, int ofSlot) {
        if (parts == rows.length) {
            firstRow = grow(firstRow);
            rows = grow(rows);
            firstPage = grow(firstPage);
            pages = grow(pages);
            slot = grow(slot);
        }
        firstRow[parts] = row;
        rows[parts] = rowCount;
        firstPage[parts] = page;
        pages[parts] = pageCount;
        slot[parts++] = ofSlot;
        mostPages = Math.max(mostPages, pageCount);
    }

    private static int[] grow(int[] array) {
        return Arrays.copyOf(array, Math.max(16, 2 * array.length));
    }

    /// Parts, of each of which every key and value head is a task.
    int parts() {
        return parts;
    }

    /// First row of a part.
    int firstRow(int part) {
        return firstRow[part];
    }

    /// Rows of a part.
    int rows(int part) {
        return rows[part];
    }

    /// First page of a part.
    int firstPage(int part) {
        return firstPage[part];
    }

    /// Pages of a part.
    int pages(int part) {
        return pages[part];
    }

    /// Pages of the part that has most.
    int mostPages() {
        return mostPages;
    }

    /// Whether a part is all of its block, and need not be merged.
    boolean isWhole(int part) {
        return slot[part] < 0;
    }

    /// Rows of the parts to be merged that stand before this one, which is not whole.
    int slot(int part) {
        return slot[part];
    }

    /// Rows of all parts to be merged.
    int slots() {
        return slots;
    }

    /// Blocks to be merged.
    int merges() {
        return merges;
    }

    /// First part of a block to be merged; its other parts follow.
    int mergePart(int merge) {
        return mergePart[merge];
    }

    /// Parts of a block to be merged.
    int mergePieces(int merge) {
        return mergePieces[merge];
    }
}
