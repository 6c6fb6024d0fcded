package io.github.mixtral4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Shape;
import io.github.mixtral4j.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsWriterTest {
    private static final List<TensorInfo> TENSORS = List.of(
            new TensorInfo("b", DType.F32, Shape.of(2, 3, 5)),
            new TensorInfo("a \"quoted\" ü", DType.BF16, Shape.of(5)),
            new TensorInfo("c", DType.F16, Shape.matrix(7, 3)));

    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void whatIsWrittenIsReadBack(int threads) throws IOException {
        Files.writeString(folder.resolve("config.json"), "{}");
        Path file = folder.resolve("model.safetensors");
        SafetensorsWriter.write(file, Map.of("format", "pt"), TENSORS, threads, SafetensorsWriterTest::writeHalves);
        assertThat(files(folder)).containsExactly("config.json", "model.safetensors");
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertThat(checkpoint.tensors().values().stream()
                            .map(tensor -> new TensorInfo(tensor.name(), tensor.dtype(), tensor.shape())))
                    .isEqualTo(TENSORS);
            for (Tensor tensor : checkpoint.tensors().values()) {
                assertThat(tensor.data().toArray(ValueLayout.JAVA_BYTE))
                        .isEqualTo(data(tensor.name(), tensor.data().byteSize()));
            }
        }
    }

    @Test
    void theHeaderIsThatOfTheFormat() throws IOException {
        Path file = folder.resolve("x.safetensors");
        SafetensorsWriter.write(
                file, Map.of("format", "pt"), TENSORS.subList(2, 3), 1, SafetensorsWriterTest::writeHalves);
        byte[] bytes = Files.readAllBytes(file);
        String header =
                "{\"__metadata__\":{\"format\":\"pt\"},\"c\":{\"dtype\":\"F16\",\"shape\":[7,3],\"data_offsets\":[0,42]}}";
        int padded = (header.length() + 7) / 8 * 8;
        assertThat(bytes).hasSize(8 + padded + 42);
        assertThat(bytes[0]).isEqualTo((byte) padded);
        assertThat(new String(bytes, 8, padded, StandardCharsets.UTF_8))
                .isEqualTo(header + " ".repeat(padded - header.length()));
    }

    @Test
    void whatTheFormatDoesNotHoldIsRefused() {
        refuses(
                List.of(new TensorInfo("q", DType.Q8_0, Shape.matrix(1, 32))),
                "q: safetensors hold F32, F16 and BF16, got Q8_0");
        refuses(List.of(TENSORS.get(0), TENSORS.get(0)), "tensor b is given twice");
        refuses(
                List.of(new TensorInfo("\u001b", DType.F32, Shape.of(1))),
                "x.safetensors: a tensor name contains control characters: \"\\u001b\"");
    }

    private void refuses(List<TensorInfo> tensors, String message) {
        Path file = folder.resolve("x.safetensors");
        assertThatThrownBy(
                        () -> SafetensorsWriter.write(file, Map.of(), tensors, 1, SafetensorsWriterTest::writeHalves))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message);
        assertThat(file).doesNotExist();
    }

    @Test
    void nothingIsLeftOfAFileWhoseSourceFails() throws IOException {
        Path file = folder.resolve("x.safetensors");
        assertThatThrownBy(() -> SafetensorsWriter.write(file, Map.of(), TENSORS, 2, (tensor, sink) -> {
                    throw new IOException("the disk is full");
                }))
                .hasMessage("the disk is full");
        assertThatThrownBy(() -> SafetensorsWriter.write(file, Map.of(), TENSORS, 1, (tensor, sink) -> {}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("b: expected 120 bytes, the source wrote 0");
        assertThat(files(folder)).isEmpty();
    }

    @Test
    void aFolderAppearsWholeOrNotAtAll() throws IOException {
        Path target = folder.resolve("out");
        try (AtomicFolder begun = AtomicFolder.create(target)) {
            Files.writeString(Files.createDirectory(begun.path().resolve("sub")).resolve("a"), "a");
            assertThat(target).doesNotExist();
        }
        assertThat(files(folder)).as("given up").isEmpty();
        Files.createDirectory(target);
        try (AtomicFolder begun = AtomicFolder.create(target)) {
            Files.writeString(begun.path().resolve("a"), "a");
            begun.commit();
        }
        assertThat(files(folder)).containsExactly("out");
        assertThat(files(target)).containsExactly("a");
        assertThatThrownBy(() -> AtomicFolder.create(target).close()).isInstanceOf(FileAlreadyExistsException.class);
        assertThatThrownBy(() -> AtomicFolder.create(target.resolve("a")).close())
                .isInstanceOf(FileAlreadyExistsException.class);
    }

    private static List<String> files(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private static void writeHalves(TensorInfo tensor, TensorSink sink) throws IOException {
        byte[] bytes = data(tensor.name(), tensor.bytes());
        int middle = bytes.length / 2;
        sink.write(middle, MemorySegment.ofArray(Arrays.copyOfRange(bytes, middle, bytes.length)));
        sink.write(0, MemorySegment.ofArray(Arrays.copyOf(bytes, middle)));
    }

    private static byte[] data(String name, long length) {
        byte[] bytes = new byte[(int) length];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (i * 31 + name.hashCode());
        }
        return bytes;
    }
}
