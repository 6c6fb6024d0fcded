package io.github.mixtral4j.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.testkit.BlockFormat;
import io.github.mixtral4j.testkit.ReferenceBlocks;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.CRC32;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class BlockCodecTest {
    @ParameterizedTest
    @EnumSource
    void everyFormatHasItsCodec(DType type) {
        assertThat(BlockCodec.of(type).dtype()).isEqualTo(type);
    }

    /// The checksums are printed by src/test/scripts/ggml_block_checksums.py.
    @ParameterizedTest
    @CsvSource({
        "F16, d31a0a0e",
        "BF16, a9aab2cb",
        "Q4_0, 4d6f7244",
        "Q4_1, 5e4cce6d",
        "Q5_0, 19b01859",
        "Q5_1, 0ffed6af",
        "Q8_0, 522778e3",
        "Q2_K, c1d123e0",
        "Q3_K, 7fa3ab8e",
        "Q4_K, c1d76988",
        "Q5_K, 42f82bf6",
        "Q6_K, 45f87d14"
    })
    void encodesTheBytesOfGgml(DType type, String checksum) {
        CRC32 crc = new CRC32();
        crc.update(encode(type, TestBlocks.make()));
        assertThat(String.format("%08x", crc.getValue())).isEqualTo(checksum);
    }

    /// Worst root mean square error of a block of [TestBlocks] after encoding and decoding, relative to its greatest
    /// magnitude. Measured, so that a worse encoder fails.
    @ParameterizedTest
    @CsvSource({
        "F32, 0, 0",
        "F16, 1e-4, 2e-4",
        "BF16, 8e-4, 1e-3",
        "Q4_0, 0.03, 0.042",
        "Q4_1, 0.03, 0.04",
        "Q5_0, 0.01, 0.02",
        "Q5_1, 0.01, 0.02",
        "Q8_0, 0.002, 0.0025",
        "Q2_K, 0.1, 0.15",
        "Q3_K, 0.06, 0.08",
        "Q4_K, 0.03, 0.04",
        "Q5_K, 0.01, 0.02",
        "Q6_K, 0.008, 0.01"
    })
    void roundTripErrorIsThatOfTheFormat(DType type, double from, double to) {
        float[] x = TestBlocks.make();
        float[] y = decode(type, encode(type, x));
        double worst = 0;
        for (int b = 0; b < TestBlocks.COUNT; b++) {
            double squares = 0;
            double greatest = 0;
            for (int i = 256 * b; i < 256 * b + 256; i++) {
                squares += Math.pow((double) x[i] - y[i], 2);
                greatest = Math.max(greatest, Math.abs(x[i]));
            }
            // Blocks this small have their scale rounded among float16's subnormals.
            if (greatest > 0x1p-10) {
                worst = Math.max(worst, Math.sqrt(squares / 256) / greatest);
            }
        }
        assertThat(worst).isBetween(from, to);
    }

    @ParameterizedTest
    @EnumSource
    void randomBytesDecodeAsTheReference(DType type) {
        byte[] bytes = new byte[500 * type.blockBytes()];
        new Random(1).nextBytes(bytes);
        assertDecodes(type, bytes, "seed 1");
    }

    @ParameterizedTest
    @EnumSource
    void boundaryBytesDecodeAsTheReference(DType type) {
        int[] boundaries = {
            0x00, 0x01, 0x0F, 0x10, 0x3F, 0x40, 0x7B, 0x7C, 0x7E, 0x7F, 0x80, 0x83, 0xC0, 0xF0, 0xFB, 0xFF
        };
        byte[] bytes = new byte[boundaries.length * boundaries.length * type.blockBytes()];
        int at = 0;
        for (int even : boundaries) {
            for (int odd : boundaries) {
                for (int i = 0; i < type.blockBytes(); i++) {
                    bytes[at++] = (byte) (i % 2 == 0 ? even : odd);
                }
            }
        }
        assertDecodes(type, bytes, "boundaries");
    }

    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16"})
    void everyHalfDecodesExactlyAndEncodesToItself(DType type) {
        byte[] bytes = new byte[2 << 16];
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asShortBuffer().put(allShorts());
        assertDecodes(type, bytes, "all");
        float[] values = decode(type, bytes);
        byte[] again = encode(type, values);
        for (int i = 0; i < values.length; i++) {
            boolean same = again[2 * i] == bytes[2 * i] && again[2 * i + 1] == bytes[2 * i + 1];
            assertTrue(same || Float.isNaN(values[i]), type + " bits " + i);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "F16, 65519.996, 7bff", // the last that rounds down
        "F16, 65520, 7c00", // a tie, to even, which is infinity
        "F16, 0x1p-24f, 0001",
        "F16, 0x1p-25f, 0000", // a tie between 0 and the least subnormal
        "F16, 0x1.8p-24f, 0002",
        "F16, -Infinity, fc00",
        "F16, NaN, 7e00",
        "BF16, 1.00390625, 3f80", // 1 + 2^-8: a tie, down to even
        "BF16, 1.01171875, 3f82", // 1 + 3 * 2^-8: a tie, up to even
        "BF16, 3.4028235e38, 7f80",
        "BF16, -0.0, 8000",
        "BF16, NaN, 7fc0"
    })
    void floatsRoundToEven(DType type, float value, String bits) {
        byte[] bytes = encode(type, new float[] {value});
        assertThat(String.format("%02x%02x", bytes[1], bytes[0])).isEqualTo(bits);
    }

    @ParameterizedTest
    @EnumSource
    void offsetsAndNumbersOfBlocksDoNotMatter(DType type) {
        float[] x = Arrays.copyOf(TestBlocks.make(), 256 * 5);
        byte[] whole = encode(type, x);
        for (int blocks = 0; blocks <= 5; blocks++) {
            int elements = blocks * type.blockElements();
            int bytes = blocks * type.blockBytes();
            byte[] part = new byte[3 + bytes + 1];
            float[] shifted = new float[7 + elements];
            System.arraycopy(x, 0, shifted, 7, elements);
            BlockCodec.of(type).encode(shifted, 7, MemorySegment.ofArray(part), 3, elements);
            assertThat(Arrays.copyOfRange(part, 3, 3 + bytes)).isEqualTo(Arrays.copyOf(whole, bytes));
            assertThat(part[2]).isZero();
            assertThat(part[3 + bytes]).isZero();

            float[] back = new float[5 + elements + 1];
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment offHeap = arena.allocate(part.length, 1).copyFrom(MemorySegment.ofArray(part));
                BlockCodec.of(type).decode(offHeap, 3, back, 5, elements);
            }
            assertThat(Arrays.copyOfRange(back, 5, 5 + elements))
                    .isEqualTo(Arrays.copyOf(decode(type, whole), elements));
            assertThat(back[5 + elements]).isZero();
        }
    }

    @ParameterizedTest
    @EnumSource
    void refusesWhatDoesNotFit(DType type) {
        BlockCodec codec = BlockCodec.of(type);
        int elements = 2 * type.blockElements();
        MemorySegment bytes = MemorySegment.ofArray(new byte[2 * type.blockBytes()]);
        assertThatThrownBy(() -> codec.decode(bytes, 1, new float[elements], 0, elements))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> codec.decode(bytes, 0, new float[elements], 1, elements))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> codec.encode(new float[elements], 0, bytes, 1, elements))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> codec.encode(new float[elements], -1, bytes, 0, elements))
                .isInstanceOf(IndexOutOfBoundsException.class);
        if (type.isQuantized()) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> codec.decode(bytes, 0, new float[elements], 0, elements - 1))
                    .withMessage(type + " stores blocks of " + type.blockElements() + " elements, got a row of "
                            + (elements - 1));
        }
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"F32", "F16", "BF16"})
    void quantizedFormatsRefuseWhatTheyCannotHold(DType type) {
        float[] x = new float[type.blockElements()];
        x[19] = Float.NaN;
        assertThatIllegalArgumentException()
                .isThrownBy(() -> encode(type, x))
                .withMessage(type + " stores numbers below 1e9, got NaN at element 19");
        x[19] = Float.NEGATIVE_INFINITY;
        assertThatIllegalArgumentException()
                .isThrownBy(() -> encode(type, x))
                .withMessage(type + " stores numbers below 1e9, got -Infinity at element 19");
        x[19] = 9e8f;
        assertThatIllegalArgumentException()
                .isThrownBy(() -> encode(type, x))
                .withMessageMatching("weights are too large to quantize: a block needs the scale \\S+, "
                        + "and float16 ends at 65504");
    }

    @ParameterizedTest
    @EnumSource
    void extremeButFiniteElementsEncodeWithoutFailing(DType type) {
        float[] x = new float[256];
        for (float tiny : new float[] {Float.MIN_VALUE, 0x1p-130f, 0x1p-100f, 1e-20f}) {
            for (int i = 0; i < x.length; i++) {
                x[i] = (i % 3 - 1) * tiny;
            }
            for (float y : decode(type, encode(type, x))) {
                assertThat(Math.abs(y)).isLessThanOrEqualTo(2 * tiny);
            }
        }
    }

    /// Holds the engine's decoder against the testkit's double arithmetic. In every format the products fit 25 bits, so
    /// that float32 arithmetic rounds exactly once, at the end: the results must agree to the bit.
    static void assertDecodes(DType type, byte[] bytes, String what) {
        double[] exact = ReferenceBlocks.decode(BlockFormat.valueOf(type.name()), bytes);
        float[] got = decode(type, bytes);
        for (int i = 0; i < exact.length; i++) {
            if (Float.compare(got[i], (float) exact[i]) != 0) {
                throw new AssertionError(
                        type + " " + what + " element " + i + ": got " + got[i] + ", want " + exact[i]);
            }
        }
    }

    private static short[] allShorts() {
        short[] all = new short[1 << 16];
        for (int i = 0; i < all.length; i++) {
            all[i] = (short) i;
        }
        return all;
    }

    private static byte[] encode(DType type, float[] x) {
        byte[] bytes = new byte[(int) type.bytes(x.length)];
        BlockCodec.of(type).encode(x, 0, MemorySegment.ofArray(bytes), 0, x.length);
        return bytes;
    }

    private static float[] decode(DType type, byte[] bytes) {
        float[] values = new float[bytes.length / type.blockBytes() * type.blockElements()];
        BlockCodec.of(type).decode(MemorySegment.ofArray(bytes), 0, values, 0, values.length);
        return values;
    }
}
