package io.github.mixtral4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;

/// A file that lies, and the sentence with which it is refused.
record Lie(String name, byte[] file, String message) {
    @Override
    public String toString() {
        return name;
    }

    /// Opens a path at which it lies, in every way there is.
    ///
    /// @param where what the sentence begins with
    void isRefused(Path path, String where) {
        for (LoadMode mode : LoadMode.values()) {
            assertThatThrownBy(() -> Checkpoint.open(path, mode).close())
                    .isInstanceOf(CheckpointException.class)
                    .hasMessage(where + message);
        }
    }
}
