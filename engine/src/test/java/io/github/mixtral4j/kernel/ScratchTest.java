package io.github.mixtral4j.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

final class ScratchTest {
    @Test
    void growsAndStays() {
        try (Scratch scratch = new Scratch()) {
            long address = scratch.bytes(100).address();
            assertThat(scratch.bytes(50).address()).isEqualTo(address);
            assertThat(scratch.floats(1000).byteSize()).isEqualTo(4000);
        }
    }

    /// What C wrote to would be somebody else's by then.
    @Test
    void aClosedOneGivesNoMemory() {
        Scratch scratch = new Scratch();
        scratch.bytes(100);
        scratch.close();
        assertThatThrownBy(() -> scratch.bytes(10)).isInstanceOf(IllegalStateException.class);
    }
}
