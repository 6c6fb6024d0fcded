package io.github.mixtral4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class AtomicFileTest {
    @TempDir
    private Path folder;

    private Path target;

    @BeforeEach
    void target() {
        target = folder.resolve("target");
    }

    @Test
    void writesAFileOrReplacesIt() throws IOException {
        AtomicFile.write(target, bytes("old and long"));
        assertThat(target).hasContent("old and long");
        AtomicFile.write(target, bytes("new"));
        assertThat(target).hasContent("new");
        assertThat(files()).containsExactly(target);
    }

    @Test
    void untilItIsCommittedNothingChanges() throws IOException {
        Files.writeString(target, "old");
        try (AtomicFile file = AtomicFile.create(target)) {
            assertThat(file.channel().write(ByteBuffer.wrap(bytes("new")))).isEqualTo(3);
            assertThat(target).hasContent("old");
        }
        assertThat(target).hasContent("old");
        assertThat(files()).containsExactly(target);
    }

    @Test
    void foldersAreRefusedWithTheReason() throws IOException {
        Files.createDirectory(target);
        assertThatThrownBy(() -> AtomicFile.write(target, bytes("new")))
                .isInstanceOf(FileAlreadyExistsException.class)
                .hasMessage(target + ": is a folder");
        assertThat(files()).containsExactly(target);
    }

    @Test
    void afterAFailedCommitEverythingIsAsBefore() throws IOException {
        try (AtomicFile file = AtomicFile.create(target)) {
            Files.writeString(Files.createDirectory(target).resolve("inside"), "old");
            assertThatThrownBy(file::commit).isInstanceOf(IOException.class);
        }
        assertThat(files()).containsExactly(target);
        assertThat(target.resolve("inside")).hasContent("old");
    }

    @Test
    void aFolderThatIsNotThereIsNotMade() {
        assertThatThrownBy(() -> AtomicFile.write(folder.resolve("absent/target"), bytes("new")))
                .isInstanceOf(NoSuchFileException.class);
        assertThat(folder).isEmptyDirectory();
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.toList();
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
