package io.github.mixtral4j.checkpoint;

import static io.github.mixtral4j.checkpoint.SafetensorsBytes.build;
import static io.github.mixtral4j.checkpoint.SafetensorsBytes.entry;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Safetensors files and configs that lie. Each is refused with one sentence.
class HostileSafetensorsTest {
    @TempDir
    Path folder;

    @ParameterizedTest
    @MethodSource("lies")
    void refuses(Lie lie) throws IOException {
        Files.writeString(folder.resolve("config.json"), "{}");
        Files.write(folder.resolve("model.safetensors"), lie.file());
        lie.isRefused(folder, "model.safetensors: ");
    }

    static List<Lie> lies() {
        String a = entry("a", "F32", "[2]", 0, 8);
        return List.of(
                new Lie("empty", new byte[0], "not a safetensors file: only 0 bytes (truncated?)"),
                new Lie(
                        "a header of 2^63 bytes",
                        headerLength(Long.MIN_VALUE),
                        "not a safetensors file, or truncated: the header is said to have 9223372036854775808 bytes; "
                                + "expected 2 to 65"),
                new Lie(
                        "a header of one byte more than the file",
                        headerLength(66),
                        "not a safetensors file, or truncated: the header is said to have 66 bytes; expected 2 to 65"),
                new Lie(
                        "a header that is not an object",
                        build("[]        ", 0),
                        "not a safetensors file: the header does not start with \"{\""),
                new Lie(
                        "a header that ends early",
                        build("{\"a\":{\"dtype\":\"F32\",", 0),
                        "malformed JSON: Unexpected end-of-input within/between Object entries"),
                new Lie(
                        "text after the header",
                        build("{" + a + "} {}", 8),
                        "expected the end after the JSON object, found an object at byte 55"),
                new Lie("the same tensor twice", build("{" + a + "," + a + "}", 8), "tensor a occurs twice"),
                new Lie(
                        "a field twice",
                        build("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F16\"}}", 0),
                        "a: dtype occurs twice"),
                new Lie(
                        "a missing field",
                        build("{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8),
                        "a: expected dtype, shape and data_offsets, found [dtype, shape]"),
                new Lie(
                        "an unknown field",
                        build("{\"a\":{\"strides\":[1]}}", 8),
                        "a: expected dtype, shape and data_offsets, found \"strides\""),
                new Lie(
                        "a tensor that is a number",
                        build("{\"a\":7}", 0),
                        "a: expected an object, found a whole number at byte 5"),
                new Lie(
                        "metadata that is not text",
                        build("{\"__metadata__\":{\"a\":[[]]}}", 0),
                        "__metadata__: expected a text, found an array at byte 21"),
                new Lie(
                        "a negative dimension",
                        build("{" + entry("a", "F32", "[-2]", 0, 8) + "}", 8),
                        "a: shape: expected numbers from 0, found -2"),
                new Lie(
                        "a fractional dimension",
                        build("{" + entry("a", "F32", "[2.0]", 0, 8) + "}", 8),
                        "a: shape: expected a whole number, found a fraction at byte 29"),
                new Lie(
                        "a dimension beyond 64 bits",
                        build("{" + entry("a", "F32", "[99999999999999999999]", 0, 8) + "}", 8),
                        "malformed JSON: Numeric value (99999999999999999999) out of range of `long` "
                                + "(-9223372036854775808 - 9223372036854775807)"),
                new Lie(
                        "a product that overflows",
                        build("{" + entry("a", "F32", "[2147483647,2147483647,2147483647]", 0, 8) + "}", 8),
                        "a: the size of F32 [2147483647, 2147483647, 2147483647] overflows"),
                new Lie(
                        "nine dimensions",
                        build("{" + entry("a", "F32", "[1,1,1,1,1,1,1,1,1]", 0, 4) + "}", 4),
                        "a: shape: more than 8 numbers"),
                new Lie(
                        "a shape of another size",
                        build("{" + entry("a", "F32", "[3]", 0, 8) + "}", 8),
                        "a: F32 [3] needs 12 bytes, got 8"),
                new Lie(
                        "offsets in the wrong order",
                        build("{" + entry("a", "F32", "[2]", 8, 0) + "}", 8),
                        "a: expected data_offsets [begin, end], found [8, 0]"),
                new Lie(
                        "three offsets",
                        build("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8,8]}}", 8),
                        "a: expected data_offsets [begin, end], found [0, 8, 8]"),
                new Lie(
                        "data that are cut off",
                        build("{" + a + "}", 7),
                        "a: bytes 0 to 8 lie beyond the 7 bytes of data (truncated?)"),
                new Lie(
                        "overlapping tensors",
                        build("{" + a + "," + entry("b", "F32", "[1]", 4, 8) + "}", 8),
                        "b: overlaps a: it starts at 4, the other ends at 8"),
                new Lie(
                        "a hole between tensors",
                        build("{" + a + "," + entry("b", "F32", "[1]", 12, 16) + "}", 16),
                        "b: bytes 8 to 12 of the data before it belong to no tensor"),
                new Lie("a hole at the end", build("{" + a + "}", 9), "bytes 8 to 9 of the data belong to no tensor"),
                new Lie(
                        "a name that steers the terminal",
                        build("{" + entry("\\u001b[2J", "F32", "[2]", 0, 8) + "}", 8),
                        "a tensor name contains control characters: \"\\u001b[2J\""),
                new Lie(
                        "a million nested arrays",
                        build("{\"a\":{\"shape\":" + "[".repeat(1_000_000), 0),
                        "a: shape: expected a whole number, found an array at byte 15"));
    }

    @ParameterizedTest
    @MethodSource("configs")
    void refusesConfig(Lie lie) throws IOException {
        Files.write(folder.resolve("params.json"), lie.file());
        Files.write(folder.resolve("consolidated.safetensors"), build("{}", 0));
        assertThatThrownBy(() -> Checkpoint.open(folder).close())
                .isInstanceOf(CheckpointException.class)
                .hasMessage("params.json: " + lie.message());
    }

    static List<Lie> configs() {
        return List.of(
                new Lie("an array", "[]".getBytes(), "expected a JSON object, found ARRAY"),
                new Lie("empty", new byte[0], "expected a JSON object, found MISSING"),
                new Lie(
                        "a key twice",
                        "{\"a\":1,\"a\":2}".getBytes(),
                        "malformed JSON: Duplicate Object property \"a\""),
                new Lie(
                        "a million nested objects",
                        "{\"a\":".repeat(200_000).getBytes(),
                        "malformed JSON: Document nesting depth (501) exceeds the maximum allowed (500, from "
                                + "`StreamReadConstraints.getMaxNestingDepth()`)"),
                new Lie(
                        "two megabytes",
                        " ".repeat(2 << 20).getBytes(),
                        "expected at most 1048576 bytes of JSON, found 2097152"));
    }

    private static byte[] headerLength(long length) {
        byte[] file = build("{" + entry("a", "F32", "[2]", 0, 8) + "}   ", 8);
        LittleEndian.putLong(file, 0, length);
        return file;
    }
}
