package io.github.mixtral4j.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class AttentionPlanTest {
    private final AttentionPlan plan = new AttentionPlan();

    /// Parts as `rows from+count, pages from+count`, with the slot of those that are to be merged.
    private List<String> cut(int[] positions, int[] sequences) {
        plan.cut(positions.length, positions, sequences);
        List<String> parts = new ArrayList<>();
        for (int part = 0; part < plan.parts(); part++) {
            parts.add("rows " + plan.firstRow(part) + "+" + plan.rows(part) + ", pages " + plan.firstPage(part) + "+"
                    + plan.pages(part) + (plan.isWhole(part) ? "" : ", slot " + plan.slot(part)));
        }
        return parts;
    }

    @Test
    void aPromptIsCutIntoBlocksOfRows() {
        assertThat(cut(IntStream.range(100, 140).toArray(), new int[40]))
                .containsExactly("rows 0+16, pages 0+2", "rows 16+16, pages 0+3", "rows 32+8, pages 0+3");
        assertThat(plan.merges()).isZero();
        assertThat(plan.mostPages()).isEqualTo(3);
    }

    @Test
    void aFewRowsOfALongSequenceAreCutIntoPiecesOfPages() {
        assertThat(cut(new int[] {1200, 5, 1022, 1023, 1024}, new int[] {3, 1, 0, 0, 0}))
                .containsExactly(
                        "rows 0+1, pages 0+8, slot 0",
                        "rows 0+1, pages 8+8, slot 1",
                        "rows 0+1, pages 16+3, slot 2",
                        "rows 1+1, pages 0+1",
                        "rows 2+3, pages 0+8, slot 3",
                        "rows 2+3, pages 8+8, slot 6",
                        "rows 2+3, pages 16+1, slot 9");
        assertThat(plan.slots()).isEqualTo(12);
        assertThat(plan.merges()).isEqualTo(2);
        assertThat(plan.mergePart(1)).isEqualTo(4);
        assertThat(plan.mergePieces(1)).isEqualTo(3);
    }

    @Test
    void rowsOfOneSequenceThatAreNotNeighboursAreBlocksOfTheirOwn() {
        assertThat(cut(new int[] {7, 9, 10}, new int[3])).containsExactly("rows 0+1, pages 0+1", "rows 1+2, pages 0+1");
    }
}
