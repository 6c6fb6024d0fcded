package io.github.mixtral4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Shape;
import io.github.mixtral4j.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GgufCheckpointTest {
    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void tensorsHaveTheirBytesInFileOrder(int version) throws IOException {
        Path file = new GgufBytes()
                .version(version)
                .tensor("z", 0, 0, 3, 2)
                .tensor("a", 8, 32, 32, 1, 2)
                .tensor("m", 1, 128, 1)
                .write(folder.resolve("m.gguf"), 130);

        try (Checkpoint checkpoint = Checkpoint.open(file)) {
            assertThat(checkpoint.tensors().keySet()).containsExactly("z", "a", "m");
            Tensor z = checkpoint.tensor("z");
            assertThat(z.dtype()).isEqualTo(DType.F32);
            assertThat(z.shape()).isEqualTo(Shape.matrix(2, 3));
            assertThat(checkpoint.tensor("a").shape()).isEqualTo(Shape.of(2, 1, 32));
            assertThat(bytes(z)).isEqualTo(expected(0, 24));
            assertThat(bytes(checkpoint.tensor("a"))).isEqualTo(expected(32, 68));
            assertThat(bytes(checkpoint.tensor("m"))).isEqualTo(expected(128, 2));
            assertThat(checkpoint.totalBytes()).isEqualTo(Files.size(file));
            assertThat(checkpoint.path()).isEqualTo(file);
        }
    }

    @Test
    void metadataKeepsTypesAndOrder() throws IOException {
        Path file = new GgufBytes()
                .pair("u8", 0, out -> out.int8(200))
                .pair("i8", 1, out -> out.int8(-3))
                .pair("u16", 2, out -> out.int16(60_000))
                .pair("i16", 3, out -> out.int16(-300))
                .pair("u32", 4, out -> out.int32(-1))
                .pair("i32", 5, out -> out.int32(-70_000))
                .pair("f32", 6, out -> out.int32(Float.floatToIntBits(0.1f)))
                .pair("bool", 7, out -> out.int8(1))
                .pair("text", 8, out -> out.text("▁é\n"))
                .pair("texts", 9, out -> out.int32(8).int64(2).text("a").text(""))
                .pair(
                        "nested",
                        9,
                        out -> out.int32(9)
                                .int64(2)
                                .int32(0)
                                .int64(2)
                                .int8(1)
                                .int8(2)
                                .int32(5)
                                .int64(0))
                .pair("u64", 10, out -> out.int64(-2))
                .pair("i64", 11, out -> out.int64(-2))
                .pair("f64", 12, out -> out.int64(Double.doubleToLongBits(0.1)))
                .write(folder.resolve("m.gguf"), 0);

        try (GgufCheckpoint checkpoint = (GgufCheckpoint) Checkpoint.open(file)) {
            GgufMetadata metadata = checkpoint.metadata();
            assertThat(metadata.values().toString())
                    .isEqualTo("{u8=200, i8=-3, u16=60000, i16=-300, u32=4294967295, i32=-70000, f32=0.1, bool=true, "
                            + "text=\"▁é\\u000a\", texts=[2 × STRING], nested=[2 × ARRAY], u64=18446744073709551614, "
                            + "i64=-2, f64=0.1}");
            assertThat(metadata.integer("u8")).isEqualTo(200);
            assertThat(metadata.integer("u32")).isEqualTo(0xFFFF_FFFFL);
            assertThat(metadata.real("f32")).isEqualTo(0.1f);
            assertThat(metadata.real("f64")).isEqualTo(0.1);
            assertThat(metadata.bool("bool")).isTrue();
            assertThat(metadata.text("text")).isEqualTo("▁é\n");
            assertThat(metadata.texts("texts")).containsExactly("a", "");
            assertThat(metadata.values().get("nested"))
                    .isEqualTo(new GgufValue.Array(
                            GgufType.ARRAY,
                            List.of(
                                    new GgufValue.Array(
                                            GgufType.UINT8,
                                            List.of(
                                                    new GgufValue.Int(GgufType.UINT8, 1),
                                                    new GgufValue.Int(GgufType.UINT8, 2))),
                                    new GgufValue.Array(GgufType.INT32, List.of()))));
        }
    }

    @Test
    void gettersNameKeyExpectedAndFound() throws IOException {
        Path file = new GgufBytes()
                .uint32("count", 7)
                .pair("big", 10, out -> out.int64(-1))
                .pair("texts", 9, out -> out.int32(8).int64(1).text("a"))
                .write(folder.resolve("m.gguf"), 0);

        try (GgufCheckpoint checkpoint = (GgufCheckpoint) Checkpoint.open(file)) {
            GgufMetadata metadata = checkpoint.metadata();
            assertThat(metadata.has("count")).isTrue();
            assertThat(metadata.has("absent")).isFalse();
            assertThatThrownBy(() -> metadata.text("count"))
                    .hasMessage("m.gguf: metadata key count: expected a text, found UINT32 7");
            assertThatThrownBy(() -> metadata.real("count"))
                    .hasMessage("m.gguf: metadata key count: expected a floating-point number, found UINT32 7");
            assertThatThrownBy(() -> metadata.bool("count"))
                    .hasMessage("m.gguf: metadata key count: expected true or false, found UINT32 7");
            assertThatThrownBy(() -> metadata.integer("absent"))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessage("m.gguf: metadata key absent is missing, expected an integer");
            assertThatThrownBy(() -> metadata.integer("big"))
                    .hasMessage("m.gguf: metadata key big: expected an integer, found UINT64 18446744073709551615");
            assertThatThrownBy(() -> metadata.integers("texts"))
                    .hasMessage("m.gguf: metadata key texts: expected an array of integers, found ARRAY [1 × STRING]");
            assertThatThrownBy(() -> metadata.reals("count"))
                    .hasMessage("m.gguf: metadata key count: expected an array of floating-point numbers, found "
                            + "UINT32 7");
        }
    }

    @Test
    void dataStartsAtTheAlignmentOfTheFile() throws IOException {
        Path file = new GgufBytes()
                .uint32("general.alignment", 1024)
                .alignment(1024)
                .tensor("a", 0, 1024, 4)
                .write(folder.resolve("m.gguf"), 1040);

        try (Checkpoint checkpoint = Checkpoint.open(file)) {
            assertThat(bytes(checkpoint.tensor("a"))).isEqualTo(expected(1024, 16));
        }
    }

    @Test
    void missingTensorNamesSimilarOnes() throws IOException {
        Path file = new GgufBytes()
                .tensor("blk.0.attn_q.weight", 0, 0, 4)
                .tensor("blk.0.attn_k.weight", 0, 32, 4)
                .tensor("output.weight", 0, 64, 4)
                .write(folder.resolve("m.gguf"), 80);

        try (Checkpoint checkpoint = Checkpoint.open(file)) {
            assertThat(checkpoint.find("blk.0.attn_v.weight")).isEmpty();
            assertThatThrownBy(() -> checkpoint.tensor("blk.0.attn_v.weight"))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessage("m.gguf: there is no tensor blk.0.attn_v.weight; similar: blk.0.attn_q.weight, "
                            + "blk.0.attn_k.weight");
            assertThatThrownBy(() -> checkpoint.tensor("x")).hasMessage("m.gguf: there is no tensor x");
        }
    }

    @Test
    void closingInvalidatesTensors() throws IOException {
        Path file = new GgufBytes().tensor("a", 0, 0, 4).write(folder.resolve("m.gguf"), 16);
        Checkpoint checkpoint = Checkpoint.open(file);
        Tensor a = checkpoint.tensor("a");
        checkpoint.close();
        assertThatThrownBy(() -> bytes(a)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void tensorsAreReadOnly() throws IOException {
        Path file = new GgufBytes().tensor("a", 0, 0, 4).write(folder.resolve("m.gguf"), 16);
        for (LoadMode mode : LoadMode.values()) {
            try (Checkpoint checkpoint = Checkpoint.open(file, mode)) {
                assertThat(checkpoint.tensor("a").data().isReadOnly()).isTrue();
            }
        }
    }

    @Test
    void tensorListIsFixed() throws IOException {
        Path file = new GgufBytes().tensor("a", 0, 0, 4).write(folder.resolve("m.gguf"), 16);
        try (Checkpoint checkpoint = Checkpoint.open(file)) {
            assertThatThrownBy(() -> checkpoint.tensors().clear()).isInstanceOf(UnsupportedOperationException.class);
        }
    }

    private static byte[] bytes(Tensor tensor) {
        return tensor.data().toArray(ValueLayout.JAVA_BYTE);
    }

    private static byte[] expected(int from, int count) {
        byte[] bytes = new byte[count];
        for (int i = 0; i < count; i++) {
            bytes[i] = GgufBytes.data(from + i);
        }
        return bytes;
    }
}
