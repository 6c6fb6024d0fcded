package io.github.mixtral4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Files that lie. Each is refused with one sentence, before anything is allocated for what it claims.
class HostileGgufTest {
    private static final String READS =
            "this engine reads F32 F16 BF16 Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K Q4_K Q5_K Q6_K";

    @TempDir
    Path folder;

    @ParameterizedTest
    @MethodSource("lies")
    void refuses(Lie lie) throws IOException {
        lie.isRefused(Files.write(folder.resolve("m.gguf"), lie.file()), "");
    }

    static List<Lie> lies() {
        return List.of(
                new Lie(
                        "version 1",
                        new GgufBytes().version(1).build(0),
                        "m.gguf: GGUF version 1; this engine reads versions 2 and 3"),
                new Lie(
                        "version 4",
                        new GgufBytes().version(4).build(0),
                        "m.gguf: GGUF version 4; this engine reads versions 2 and 3"),
                new Lie(
                        "big-endian",
                        new GgufBytes().version(3 << 24).build(0),
                        "m.gguf: the file is big-endian; this engine reads little-endian GGUF"),
                new Lie(
                        "nothing after the magic",
                        "GGUF".getBytes(StandardCharsets.US_ASCII),
                        "m.gguf: version needs 4 bytes at offset 4, the file has 0 bytes left (truncated?)"),
                new Lie(
                        "2^60 tensors",
                        new GgufBytes().moreTensors(1L << 60).build(0),
                        "m.gguf: number of tensors: the count 1152921504606846976 is more than the 8 bytes that are left "
                                + "can hold (damaged or truncated?)"),
                new Lie(
                        "2^64 - 1 pairs",
                        new GgufBytes().morePairs(-1).build(0),
                        "m.gguf: number of metadata pairs: the count 18446744073709551615 is more than the 0 bytes that "
                                + "are left can hold (damaged or truncated?)"),
                new Lie(
                        "70 000 pairs in a file that has room for them",
                        new GgufBytes().morePairs(70_000).build(1_000_000),
                        "m.gguf: number of metadata pairs is 70000, at most 65536 are expected"),
                new Lie(
                        "a text of 2^63 bytes",
                        new GgufBytes()
                                .pair("k", 8, out -> out.int64(Long.MIN_VALUE))
                                .build(0),
                        "m.gguf: metadata key k: the count 9223372036854775808 is more than the 0 bytes that are left can "
                                + "hold (damaged or truncated?)"),
                new Lie(
                        "an array of 2^40 elements",
                        new GgufBytes()
                                .pair("k", 9, out -> out.int32(0).int64(1L << 40))
                                .build(64),
                        "m.gguf: metadata key k: the count 1099511627776 is more than the 79 bytes that are left can hold "
                                + "(damaged or truncated?)"),
                new Lie(
                        "five million array elements that are there",
                        new GgufBytes()
                                .pair("k", 9, out -> out.int32(0).int64(5_000_000))
                                .build(5_000_000),
                        "m.gguf: metadata key k has 5000000 elements; at most 4194304 are expected in all metadata "
                                + "together"),
                new Lie(
                        "deep arrays",
                        new GgufBytes().pair("k", 9, HostileGgufTest::nest).build(0),
                        "m.gguf: metadata key k: arrays nest deeper than 8"),
                new Lie(
                        "unknown value type",
                        new GgufBytes().pair("k", 13, out -> out).build(0),
                        "m.gguf: metadata key k: expected a type of 0 to 12, found 13"),
                new Lie(
                        "unknown element type",
                        new GgufBytes()
                                .pair("k", 9, out -> out.int32(-1).int64(0))
                                .build(0),
                        "m.gguf: metadata key k: expected a type of 0 to 12, found 4294967295"),
                new Lie(
                        "a truth value of 2",
                        new GgufBytes().pair("k", 7, out -> out.int8(2)).build(0),
                        "m.gguf: metadata key k: expected 0 or 1 for a truth value, found 2"),
                new Lie(
                        "malformed UTF-8",
                        new GgufBytes()
                                .pair("k", 8, out -> out.int64(2).raw((byte) 0xC3, (byte) 0x28))
                                .build(0),
                        "m.gguf: metadata key k at offset 45 is not UTF-8"),
                new Lie(
                        "the same key twice",
                        new GgufBytes().uint32("k", 1).uint32("k", 1).build(0),
                        "m.gguf: metadata key k occurs twice"),
                new Lie("an empty key", new GgufBytes().uint32("", 1).build(0), "m.gguf: a metadata key is empty"),
                new Lie(
                        "a key that steers the terminal",
                        new GgufBytes().uint32("\u001b[2J", 1).build(0),
                        "m.gguf: a metadata key contains control characters: \"\\u001b[2J\""),
                new Lie(
                        "an endless name",
                        new GgufBytes().tensor("x".repeat(2000), 0, 0, 4).build(16),
                        "m.gguf: a tensor name has 2000 characters, at most 1024 are expected; it starts with \""
                                + "x".repeat(60) + "…\""),
                new Lie(
                        "alignment 0",
                        new GgufBytes().uint32("general.alignment", 0).build(0),
                        "m.gguf: general.alignment must be a power of two up to 2^30, found 0"),
                new Lie(
                        "alignment 48",
                        new GgufBytes().uint32("general.alignment", 48).build(0),
                        "m.gguf: general.alignment must be a power of two up to 2^30, found 48"),
                new Lie(
                        "alignment 2^31",
                        new GgufBytes().uint32("general.alignment", 1 << 31).build(0),
                        "m.gguf: general.alignment must be a power of two up to 2^30, found 2147483648"),
                new Lie(
                        "alignment as text",
                        new GgufBytes().text("general.alignment", "32").build(0),
                        "m.gguf: metadata key general.alignment: expected an integer, found STRING \"32\""),
                new Lie(
                        "an endless text that steers the terminal",
                        new GgufBytes()
                                .text("general.alignment", "\u001b[2J" + "x".repeat(100_000))
                                .build(0),
                        "m.gguf: metadata key general.alignment: expected an integer, found STRING \"\\u001b[2J"
                                + "x".repeat(51) + "…\""),
                new Lie(
                        "rank 0",
                        new GgufBytes().tensor("t", 0, 0).build(16),
                        "m.gguf: t: expected 1 to 4 dimensions, found 0"),
                new Lie(
                        "rank 5",
                        new GgufBytes().tensor("t", 0, 0, 1, 1, 1, 1, 1).build(16),
                        "m.gguf: t: expected 1 to 4 dimensions, found 5"),
                new Lie(
                        "a zero dimension",
                        new GgufBytes().tensor("t", 0, 0, 4, 0).build(16),
                        "m.gguf: t: expected dimensions of 1 to 2147483647, found 0"),
                new Lie(
                        "a dimension of 2^64 - 1",
                        new GgufBytes().tensor("t", 0, 0, -1).build(16),
                        "m.gguf: t: expected dimensions of 1 to 2147483647, found 18446744073709551615"),
                new Lie(
                        "a product that overflows",
                        new GgufBytes()
                                .tensor("t", 0, 0, 1 << 30, 1 << 30, 1 << 30)
                                .build(16),
                        "m.gguf: t: the size of F32 [1073741824, 1073741824, 1073741824] overflows"),
                new Lie(
                        "a size of 2^62 bytes",
                        new GgufBytes().tensor("t", 0, 0, 1 << 30, 1 << 30).build(16),
                        "m.gguf: t: F32 [1073741824, 1073741824] needs 4611686018427387904 bytes, got 16 (m.gguf "
                                + "truncated?)"),
                new Lie(
                        "a row that is not whole blocks",
                        new GgufBytes().tensor("t", 12, 0, 300, 2).build(400),
                        "m.gguf: t: Q4_K stores blocks of 256 elements, found rows of 300"),
                new Lie(
                        "a type that is not read here",
                        new GgufBytes().tensor("t", 20, 0, 32).build(32),
                        "m.gguf: t: ggml type 20 (IQ4_NL) cannot be read; " + READS),
                new Lie(
                        "a type that does not exist",
                        new GgufBytes().tensor("t", -7, 0, 32).build(32),
                        "m.gguf: t: ggml type 4294967289 cannot be read; " + READS),
                new Lie(
                        "an offset between alignments",
                        new GgufBytes().tensor("t", 0, 8, 2).build(32),
                        "m.gguf: t: expected an offset that is a multiple of 32, found 8"),
                new Lie(
                        "an offset of 2^64 - 32",
                        new GgufBytes().tensor("t", 0, -32, 2).build(32),
                        "m.gguf: t: expected an offset that is a multiple of 32, found 18446744073709551584"),
                new Lie(
                        "an offset of 2^63 - 32",
                        new GgufBytes().tensor("t", 0, Long.MAX_VALUE - 31, 2).build(32),
                        "m.gguf: t: F32 [2] needs 8 bytes, got 0 (m.gguf truncated?)"),
                new Lie(
                        "the same tensor twice",
                        new GgufBytes()
                                .tensor("t", 0, 0, 2)
                                .tensor("t", 0, 32, 2)
                                .build(64),
                        "m.gguf: tensor t occurs twice"),
                new Lie(
                        "overlapping tensors",
                        new GgufBytes()
                                .tensor("b", 0, 32, 2)
                                .tensor("a", 0, 0, 9)
                                .build(64),
                        "m.gguf: b overlaps a: it starts at 128, the other ends at 132"),
                new Lie(
                        "one byte short",
                        new GgufBytes().tensor("t", 0, 0, 4).build(15),
                        "m.gguf: t: F32 [4] needs 16 bytes, got 15 (m.gguf truncated?)"),
                new Lie(
                        "a header cut in a tensor",
                        Arrays.copyOf(new GgufBytes().tensor("t", 0, 0, 4).build(0), 50),
                        "m.gguf: offset of t needs 8 bytes at offset 49, the file has 1 bytes left (truncated?)"));
    }

    @Test
    void refusesOtherFilesByTheirFirstBytes() throws IOException {
        Path text = Files.writeString(folder.resolve("m.gguf"), "GGU");
        Path zip = Files.writeString(folder.resolve("pytorch_model.bin"), "PK\u0003\u0004");
        Path empty = Files.writeString(folder.resolve("empty"), "");
        String expected = ": not a model file: expected GGUF (starting with \"GGUF\") or .safetensors";
        assertThatThrownBy(() -> Checkpoint.open(text).close()).hasMessage(text + expected);
        assertThatThrownBy(() -> Checkpoint.open(empty).close()).hasMessage(empty + expected);
        assertThatThrownBy(() -> Checkpoint.open(zip).close())
                .hasMessage(zip + expected + ", found a PyTorch or zip archive; convert it to safetensors");
        assertThatThrownBy(() -> Checkpoint.open(folder.resolve("absent")).close())
                .isInstanceOf(IOException.class)
                .hasMessage(folder.resolve("absent") + ": no such file or folder");
    }

    private static LittleEndian nest(LittleEndian out) {
        for (int i = 0; i < 100_000; i++) {
            out.int32(9).int64(1);
        }
        return out;
    }
}
