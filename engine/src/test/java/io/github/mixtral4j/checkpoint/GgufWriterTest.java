package io.github.mixtral4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Shape;
import io.github.mixtral4j.tensor.Tensor;
import io.github.mixtral4j.testkit.Fixtures;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GgufWriterTest {
    private static final List<TensorInfo> TENSORS = List.of(
            new TensorInfo("b", DType.Q4_K, Shape.of(2, 3, 256)),
            new TensorInfo("a", DType.F32, Shape.of(5)),
            new TensorInfo("c", DType.BF16, Shape.matrix(7, 3)));

    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void whatIsWrittenIsReadBack(int threads) throws IOException {
        Map<String, GgufValue> metadata = allTypes();
        Path file = folder.resolve("m.gguf");
        GgufWriter.write(file, metadata, TENSORS, threads, GgufWriterTest::writeBackwards);

        assertThat(files()).containsExactly("m.gguf");
        try (GgufCheckpoint checkpoint = (GgufCheckpoint) Checkpoint.open(file)) {
            assertThat(checkpoint.metadata().values()).isEqualTo(metadata);
            assertThat(checkpoint.metadata().values().keySet()).containsExactlyElementsOf(metadata.keySet());
            assertThat(checkpoint.tensors().values().stream()
                            .map(tensor -> new TensorInfo(tensor.name(), tensor.dtype(), tensor.shape())))
                    .isEqualTo(TENSORS);
            for (Tensor tensor : checkpoint.tensors().values()) {
                assertThat(tensor.data().toArray(ValueLayout.JAVA_BYTE))
                        .isEqualTo(data(tensor.name(), (int) tensor.data().byteSize()));
            }
        }
        assertThat(Files.size(file) % 32).as("padded to the end").isZero();
    }

    @Test
    void alignmentComesFromTheMetadata() throws IOException {
        Path file = folder.resolve("m.gguf");
        GgufWriter.write(
                file, Map.of("general.alignment", GgufValue.uint32(4096)), TENSORS, 1, GgufWriterTest::writeBackwards);
        try (Checkpoint checkpoint = Checkpoint.open(file)) {
            // The mapping starts on a page, so addresses show file offsets.
            assertThat(checkpoint.tensor("c").data().address() % 4096).isZero();
            assertThat(checkpoint.tensor("c").data().toArray(ValueLayout.JAVA_BYTE))
                    .isEqualTo(data("c", 42));
        }
    }

    @Test
    void goldenFileIsReproducedByteForByte() throws IOException {
        assumeTrue(Fixtures.present(), Fixtures.ABSENT);
        Path golden = Fixtures.path("golden/a/gguf/Q4_K_M.gguf");
        Path copy = folder.resolve("copy.gguf");
        try (GgufCheckpoint checkpoint = (GgufCheckpoint) Checkpoint.open(golden)) {
            List<TensorInfo> tensors = checkpoint.tensors().values().stream()
                    .map(tensor -> new TensorInfo(tensor.name(), tensor.dtype(), tensor.shape()))
                    .toList();
            GgufWriter.write(
                    copy,
                    checkpoint.metadata().values(),
                    tensors,
                    2,
                    (tensor, sink) ->
                            sink.write(0, checkpoint.tensor(tensor.name()).data()));
        }
        assertThat(Files.mismatch(golden, copy)).isEqualTo(-1);
    }

    @Test
    void failureLeavesNothingBehindAndTheOldFileInPlace() throws IOException {
        Path file = Files.writeString(folder.resolve("m.gguf"), "old");
        assertThatThrownBy(() -> GgufWriter.write(file, Map.of(), TENSORS, 2, (tensor, sink) -> {
                    throw new IOException("no more data");
                }))
                .isInstanceOf(IOException.class)
                .hasMessage("no more data");
        assertThat(files()).containsExactly("m.gguf");
        assertThat(file).hasContent("old");
    }

    @Test
    void sourceMustWriteExactlyTheTensor() throws IOException {
        Path file = folder.resolve("m.gguf");
        MemorySegment ten = MemorySegment.ofArray(new byte[10]);
        assertThatThrownBy(() -> GgufWriter.write(file, Map.of(), TENSORS, 1, (tensor, sink) -> sink.write(0, ten)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("b: expected 864 bytes, the source wrote 10");
        assertThatThrownBy(() -> GgufWriter.write(file, Map.of(), TENSORS, 1, (tensor, sink) -> sink.write(855, ten)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("b: 10 bytes at 855 do not lie inside its 864");
        assertThat(files()).isEmpty();
    }

    @Test
    void headersThatCouldNotBeReadAreNotWritten() {
        refuses(
                Map.of("general.alignment", GgufValue.uint32(48)),
                TENSORS,
                "m.gguf: general.alignment must be a power" + " of two up to 2^30, found 48");
        refuses(Map.of("", GgufValue.uint32(48)), TENSORS, "m.gguf: a metadata key is empty");
        refuses(Map.of(), List.of(TENSORS.get(1), TENSORS.get(1)), "tensor a is given twice");
        refuses(
                Map.of(),
                List.of(new TensorInfo("x", DType.F32, Shape.of(1, 1, 1, 1, 1))),
                "x: GGUF has at most 4 dimensions, got [1, 1, 1, 1, 1]");
        assertThatThrownBy(() -> new TensorInfo("x", DType.F32, Shape.of(1 << 30, 1 << 30, 1 << 30)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("x: the size of F32 [1073741824, 1073741824, 1073741824] overflows");
        assertThatThrownBy(() -> GgufValue.uint32(-1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("UINT32 does not hold the integer -1");
        assertThatThrownBy(() -> new GgufValue.Real(GgufType.FLOAT32, 0.1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("FLOAT32 does not hold the number 0.1");
        assertThatThrownBy(() -> new GgufValue.Array(GgufType.INT8, List.of(GgufValue.uint32(1))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("an array of INT8 cannot hold a UINT32");
    }

    @Test
    void refusesToReplaceAFolder() {
        assertThatThrownBy(() -> GgufWriter.write(folder, Map.of(), TENSORS, 1, GgufWriterTest::writeBackwards))
                .isInstanceOf(IOException.class)
                .hasMessage(folder + ": is a folder");
    }

    @Test
    void refusesWhatTheDiskCannotHold() throws IOException {
        List<TensorInfo> huge = List.of(new TensorInfo("x", DType.F32, Shape.of(1 << 30, 1 << 16)));
        Path file = folder.resolve("m.gguf");
        assertThatThrownBy(() -> GgufWriter.write(file, Map.of(), huge, 1, (tensor, sink) -> {}))
                .isInstanceOf(IOException.class)
                .hasMessageMatching(".*m\\.gguf needs 262144\\.0 GiB of disk, \\d+\\.\\d GiB are free");
        assertThat(files()).isEmpty();
    }

    /// Writes for a moment and is then interrupted from outside, as by Ctrl-C.
    @Test
    void interruptedProgramLeavesNothingBehind() throws Exception {
        Process program = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        EndlessWriter.class.getName(),
                        folder.resolve("m.gguf").toString())
                .redirectErrorStream(true)
                .start();
        try (var out = program.inputReader()) {
            assertThat(out.readLine()).isEqualTo("writing");
            assertThat(files()).hasSize(1).allMatch(name -> name.matches("\\.m\\.gguf\\..+\\.tmp"));
            program.destroy(); // SIGTERM, which runs the same hooks as Ctrl-C
            assertThat(program.waitFor(20, TimeUnit.SECONDS)).isTrue();
        } finally {
            program.destroyForcibly();
        }
        assertThat(files()).isEmpty();
    }

    /// A program that never comes to an end of writing.
    static final class EndlessWriter {
        public static void main(String[] args) throws IOException {
            GgufWriter.write(Path.of(args[0]), Map.of(), TENSORS, 1, (tensor, sink) -> {
                sink.write(0, MemorySegment.ofArray(new byte[100]));
                System.out.println("writing");
                try {
                    Thread.sleep(60_000);
                } catch (InterruptedException e) {
                    throw new IOException(e);
                }
            });
        }
    }

    private void refuses(Map<String, GgufValue> metadata, List<TensorInfo> tensors, String message) {
        assertThatThrownBy(() -> GgufWriter.write(
                        folder.resolve("m.gguf"), metadata, tensors, 1, GgufWriterTest::writeBackwards))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message);
    }

    private List<String> files() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(Names::file).toList();
        }
    }

    private static Map<String, GgufValue> allTypes() {
        Map<String, GgufValue> metadata = new LinkedHashMap<>();
        metadata.put("u8", new GgufValue.Int(GgufType.UINT8, 255));
        metadata.put("i8", new GgufValue.Int(GgufType.INT8, -128));
        metadata.put("u16", new GgufValue.Int(GgufType.UINT16, 65_535));
        metadata.put("i16", new GgufValue.Int(GgufType.INT16, -32_768));
        metadata.put("u32", GgufValue.uint32(0xFFFF_FFFFL));
        metadata.put("i32", new GgufValue.Int(GgufType.INT32, Integer.MIN_VALUE));
        metadata.put("u64", new GgufValue.Int(GgufType.UINT64, -1));
        metadata.put("i64", new GgufValue.Int(GgufType.INT64, Long.MIN_VALUE));
        metadata.put("f32", GgufValue.float32(-0f));
        metadata.put("f64", new GgufValue.Real(GgufType.FLOAT64, Math.PI));
        metadata.put("bool", GgufValue.bool(true));
        metadata.put("text", GgufValue.text("▁Grüße\0\uD83D\uDE00"));
        metadata.put("texts", GgufValue.texts(List.of("a", "", "ß")));
        metadata.put("scores", GgufValue.float32s(List.of(0f, -1e9f)));
        metadata.put("types", GgufValue.int32s(List.of(1, 6)));
        metadata.put("empty", new GgufValue.Array(GgufType.BOOL, List.of()));
        metadata.put(
                "nested",
                new GgufValue.Array(
                        GgufType.ARRAY, List.of(GgufValue.texts(List.of("x")), GgufValue.int32s(List.of()))));
        return metadata;
    }

    /// Writes in three pieces, the last one first.
    private static void writeBackwards(TensorInfo tensor, TensorSink sink) throws IOException {
        MemorySegment data = MemorySegment.ofArray(data(tensor.name(), (int) tensor.bytes()));
        long third = tensor.bytes() / 3;
        sink.write(2 * third, data.asSlice(2 * third));
        sink.write(third, data.asSlice(third, third));
        sink.write(0, data.asSlice(0, third));
    }

    private static byte[] data(String name, int length) {
        byte[] data = new byte[length];
        for (int i = 0; i < length; i++) {
            data[i] = (byte) (GgufBytes.data(i) + name.hashCode());
        }
        return data;
    }
}
