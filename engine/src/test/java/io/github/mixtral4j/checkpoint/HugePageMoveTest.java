package io.github.mixtral4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HugePageMoveTest {
    private static final int BYTES = 80 << 20;
    private static final int PIECE = 32 << 20;

    @TempDir
    private Path folder;

    @BeforeEach
    void hugePagesAndMemory() throws IOException {
        assumeTrue(HugePages.available(), "this system gives no huge pages");
        // A move leaves 1 GiB to other programs; the rest is what a test writes and holds.
        assumeTrue(AvailableMemory.SYSTEM.suffices((1L << 30) + 4L * BYTES), "too little memory is free for a move");
    }

    @Test
    void mappedBytesStayWhatTheyAreWhileTheyMove() throws Exception {
        byte[] content = new byte[BYTES];
        new Random(1).nextBytes(content);
        MemorySegment expected = MemorySegment.ofArray(content);
        try (Arena arena = Arena.ofShared()) {
            MappedFile file = MappedFile.map(Files.write(folder.resolve("weights"), content), arena);
            WeightMemory.Range range = new WeightMemory.Range(file, 0, BYTES);
            try (HugePageMove move = new HugePageMove(List.of(range))) {
                long deadline = System.nanoTime() + 30_000_000_000L;
                while (move.moved() < PIECE && System.nanoTime() < deadline) {
                    assertThat(file.bytes().mismatch(expected)).isEqualTo(-1);
                }
                assertThat(move.moved()).isGreaterThanOrEqualTo(PIECE);
                assertThat(file.bytes().mismatch(expected)).isEqualTo(-1);
            }
            assertThat(file.bytes().mismatch(expected)).isEqualTo(-1);
        }
    }

    @Test
    void aFileThatWasReplacedStaysMapped() throws Exception {
        Path path = Files.write(folder.resolve("weights"), new byte[BYTES]);
        byte[] others = new byte[BYTES];
        Arrays.fill(others, (byte) 7);
        try (Arena arena = Arena.ofShared()) {
            MappedFile file = MappedFile.map(path, arena);
            Files.move(
                    Files.write(folder.resolve("other"), others),
                    path,
                    StandardCopyOption.REPLACE_EXISTING,
                    StandardCopyOption.ATOMIC_MOVE);
            WeightMemory.Range range = new WeightMemory.Range(file, 0, BYTES);
            try (HugePageMove move = new HugePageMove(List.of(range))) {
                move.await();
                assertThat(move.moved()).isZero();
            }
            assertThat(file.bytes().get(ValueLayout.JAVA_BYTE, PIECE)).isZero();
            assertThatThrownBy(file::open)
                    .isInstanceOf(CheckpointException.class)
                    .hasMessage(path + ": replaced by another file while it was being opened or read; open it again");
        }
    }

    @Test
    void aPieceThatCannotBeFilledChangesNothing() throws Exception {
        byte[] content = new byte[BYTES];
        new Random(2).nextBytes(content);
        try (Arena arena = Arena.ofShared()) {
            MappedFile file = MappedFile.map(Files.write(folder.resolve("weights"), content), arena);
            long start = Math.ceilDiv(file.bytes().address(), PIECE) * PIECE;
            assertThat(HugePages.replace(start, PIECE, piece -> {
                        piece.fill((byte) 7);
                        return false;
                    }))
                    .isFalse();
            assertThat(file.bytes().mismatch(MemorySegment.ofArray(content))).isEqualTo(-1);
            assertThat(HugePages.replace(start, PIECE, piece -> {
                        piece.fill((byte) 7);
                        return true;
                    }))
                    .isTrue();
            assertThat(file.bytes()
                            .get(ValueLayout.JAVA_BYTE, start - file.bytes().address()))
                    .isEqualTo((byte) 7);
        }
    }

    @Test
    void aFileThatIsShorterThanItsMappingStaysMapped() throws Exception {
        Path path = Files.write(folder.resolve("weights"), new byte[BYTES]);
        try (Arena arena = Arena.ofShared()) {
            MappedFile file = MappedFile.map(path, arena);
            Files.write(path, new byte[] {42});
            WeightMemory.Range range = new WeightMemory.Range(file, 0, BYTES);
            try (HugePageMove move = new HugePageMove(List.of(range))) {
                move.await();
                assertThat(move.moved()).isZero();
            }
            assertThat(file.bytes().get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 42);
        }
    }
}
