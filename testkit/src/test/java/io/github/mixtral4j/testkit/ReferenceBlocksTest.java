package io.github.mixtral4j.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Blocks worked out by hand: a few fields set, the rest zero. `3c00` is 1, `4000` is 2 in float16.
class ReferenceBlocksTest {
    @ParameterizedTest
    @CsvSource({
        "F32, 0000c03f, 0, 1.5",
        "F16, 0100, 0, 5.960464477539063e-8",
        "F16, 00fc, 0, -Infinity",
        "F16, ff7b, 0, 65504",
        "BF16, c0bf, 0, -1.5",
        // scale 2, byte 3 holds elements 3 (low) and 19 (high)
        "Q4_0, 0040 000000a5, 3, -6",
        "Q4_0, 0040 000000a5, 19, 4",
        "Q4_0, 0040 000000a5, 0, -16",
        // scale 2, minimum 1
        "Q4_1, 0040 003c 000000a5, 3, 11",
        "Q4_1, 0040 003c 000000a5, 19, 21",
        // fifth bits of elements 3 and 19 are bits 3 and 19
        "Q5_0, 0040 08000800 000000a5, 3, 10",
        "Q5_0, 0040 08000000 000000a5, 19, -12",
        "Q5_1, 0040 003c 08000800 000000a5, 19, 53",
        "Q8_0, 0040 0000fe, 2, -4",
        "Q8_0, 0040 0000fe, 31, 0"
    })
    void smallBlocksMeanWhatTheirLayoutSays(BlockFormat format, String hex, int element, double value) {
        assertThat(element(format, block(format, 0, hex), element)).isEqualTo(value);
    }

    @Test
    void q2kGroupsScaleAndSubtract() {
        // Group 9 (elements 144-159): scale 3, minimum 5. Element 150 = 128 + 22: byte 22 of the second run, bits 0-1.
        byte[] block = block(BlockFormat.Q2_K, 80, "0040003c");
        block[9] = 0x53;
        block[16 + 32 + 22] = 0x02;
        assertThat(element(BlockFormat.Q2_K, block, 150)).isEqualTo(2 * 3 * 2 - 5);
        assertThat(element(BlockFormat.Q2_K, block, 149)).isEqualTo(-5);
    }

    @Test
    void q3kScalesAreSixBitsInTwoPlaces() {
        // Group 13: low half in the high bits of byte 5, upper two bits in bits 6-7 of byte 8 + 1.
        byte[] block = block(BlockFormat.Q3_K, 108, "0040");
        block[96 + 5] = (byte) 0x70;
        block[96 + 8 + 1] = (byte) 0xC0;
        // Element 215 = 128 + 64 + 23 in group 13: bits 4-5 of byte 32 + 23, third bit 6 of byte 23.
        block[32 + 32 + 23] = 0x30;
        assertThat(element(BlockFormat.Q3_K, block, 215)).isEqualTo(2 * (0x37 - 32) * (3 - 4));
        block[23] = 0x40;
        assertThat(element(BlockFormat.Q3_K, block, 215)).isEqualTo(2 * (0x37 - 32) * 3);
    }

    @Test
    void q4kAndQ5kShareTheirPackedScales() {
        // Group 6: scale low half in byte 10 (low), upper bits in byte 2; minimum low half in byte 10 (high), byte 6.
        byte[] q4 = block(BlockFormat.Q4_K, 0, "0040003c");
        byte[] q5 = block(BlockFormat.Q5_K, 0, "0040003c");
        for (byte[] block : new byte[][] {q4, q5}) {
            block[4 + 10] = (byte) 0x95;
            block[4 + 2] = (byte) 0x80;
            block[4 + 6] = (byte) 0x40;
        }
        int scale = 0x25;
        int minimum = 0x19;
        // Element 200 = 6 * 32 + 8: low half of byte 96 + 8.
        q4[16 + 96 + 8] = 0x2D;
        assertThat(element(BlockFormat.Q4_K, q4, 200)).isEqualTo(2 * scale * 13 - minimum);
        q5[48 + 96 + 8] = 0x2D;
        q5[16 + 8] = 0x40;
        assertThat(element(BlockFormat.Q5_K, q5, 200)).isEqualTo(2 * scale * 29 - minimum);
    }

    @Test
    void q6kScalesAreSigned() {
        // Element 100 = 64 + 36 in group 6: high half of byte 36, bits 6-7 of byte 4.
        byte[] block = block(BlockFormat.Q6_K, 208, "0040");
        block[192 + 6] = -3;
        block[36] = 0x70;
        block[128 + 4] = (byte) 0xC0;
        assertThat(element(BlockFormat.Q6_K, block, 100)).isEqualTo(2 * -3 * (0x37 - 32));
    }

    private static byte[] block(BlockFormat format, int at, String hex) {
        byte[] fields = HexFormat.of().parseHex(hex.replace(" ", ""));
        byte[] block = new byte[format.bytes];
        System.arraycopy(fields, 0, block, at, fields.length);
        return block;
    }

    private static double element(BlockFormat format, byte[] block, int i) {
        return ReferenceBlocks.decode(format, block)[i];
    }
}
