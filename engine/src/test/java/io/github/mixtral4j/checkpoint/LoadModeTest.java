package io.github.mixtral4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Shape;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LoadModeTest {
    private static final long GIB = 1L << 30;

    @TempDir
    Path folder;

    @Test
    void copyEqualsMapping() throws IOException {
        // Three chunks of 16 MiB, the last one odd.
        int cols = (40 << 20) + 13;
        Path file = folder.resolve("m.gguf");
        byte[] data = new byte[cols * Short.BYTES];
        new Random(7).nextBytes(data);
        GgufWriter.write(
                file,
                Map.of(),
                List.of(new TensorInfo("t", DType.F16, Shape.of(cols))),
                1,
                (tensor, sink) -> sink.write(0, MemorySegment.ofArray(data)));

        List<Long> seen = new ArrayList<>();
        try (Checkpoint mapped = Checkpoint.open(file);
                Checkpoint copied = Checkpoint.open(file, LoadMode.COPY, (done, total) -> {
                    assertThat(total).isEqualTo(data.length);
                    seen.add(done);
                })) {
            MemorySegment copy = copied.tensor("t").data();
            assertThat(copy.mismatch(MemorySegment.ofArray(data))).isEqualTo(-1);
            assertThat(copy.mismatch(mapped.tensor("t").data())).isEqualTo(-1);
            assertThat(copy.address() % (2 << 20)).isZero();
            assertThat(copy.isMapped()).isFalse();
            assertThat(copy.isNative()).isTrue();
        }
        assertThat(seen).hasSize(6).isSorted().endsWith((long) data.length);
    }

    @Test
    void hugePagesAreAskedForAndGivenBack() throws IOException {
        Path smaps = Path.of("/proc/self/smaps");
        assumeTrue(Files.isReadable(smaps), "only Linux shows how memory is mapped");
        long bytes = 64L << 20;
        String range;
        try (Arena arena = Arena.ofShared()) {
            MemorySegment memory = HugePages.allocate(bytes, arena);
            assertThat(memory.byteSize()).isEqualTo(bytes);
            memory.fill((byte) 1);
            range = Long.toHexString(memory.address());
            String flags = Files.readString(smaps)
                    .split("(?m)^[0-9a-f]*" + range + "-", 2)[1]
                    .split("VmFlags:", 2)[1]
                    .split("\n", 2)[0];
            assertThat(flags).as("hg: the kernel was advised to use huge pages").contains(" hg");
        }
        assertThat(Files.readString(smaps)).as("unmapped").doesNotContain("\n" + range + "-");
    }

    @Test
    void plainMemoryIsAlignedAlike() {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment memory = HugePages.plain(100, arena);
            assertThat(memory.byteSize()).isEqualTo(100);
            assertThat(memory.address() % (2 << 20)).isZero();
        }
    }

    @Test
    void refusesToCopyMoreThanTheMachineHas() throws IOException {
        assumeTrue(Files.isReadable(Path.of("/proc/meminfo")), "only Linux says how much memory is available");
        Path file = sparse(folder.resolve("m.gguf"), 4096, 1L << 19);
        assertThatThrownBy(() -> Checkpoint.open(file, LoadMode.COPY).close())
                .isInstanceOf(CheckpointException.class)
                .hasMessageMatching("m\\.gguf: copying the weights needs 8192\\.0 GiB of memory, \\d+\\.\\d GiB are "
                        + "available; map the file instead");
    }

    @Test
    void opensHundredsOfGibibytesAtOnce() throws IOException {
        // 1000 tensors of 256 MiB: as large as 8x22B in BF16.
        Path file = sparse(folder.resolve("m.gguf"), 1000, 1L << 16);
        long start = System.nanoTime();
        try (Checkpoint checkpoint = Checkpoint.open(file)) {
            assertThat(checkpoint.totalBytes()).isGreaterThan(249 * GIB);
            MemorySegment last = checkpoint.tensor("t999").data();
            assertThat(last.get(ValueLayout.JAVA_BYTE, last.byteSize() - 1)).isZero();
        }
        // A busy machine takes its time, too, but reading that much takes longer, even if it is nothing but zeros.
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(10));
    }

    @Test
    void fileShortenedAfterwardsDoesNotEndTheProcess() throws IOException {
        Path file = sparse(folder.resolve("m.gguf"), 1, 1L << 10);
        try (Checkpoint checkpoint = Checkpoint.open(file)) {
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                channel.truncate(4096);
            }
            MemorySegment data = checkpoint.tensor("t0").data();
            assertThatThrownBy(() -> data.get(ValueLayout.JAVA_BYTE, data.byteSize() - 1))
                    .isInstanceOf(InternalError.class);
        }
    }

    /// A file with `count` tensors of `rows` rows of 4 KiB, without blocks on the disk.
    private static Path sparse(Path file, int count, long rows) throws IOException {
        GgufBytes gguf = new GgufBytes();
        long bytes = rows * 4096;
        for (int i = 0; i < count; i++) {
            gguf.tensor("t" + i, 0, i * bytes, 1024, rows);
        }
        gguf.write(file, 1);
        try (RandomAccessFile end = new RandomAccessFile(file.toFile(), "rw")) {
            end.setLength(end.length() - 1 + count * bytes);
        }
        return file;
    }
}
