package io.github.mixtral4j.testkit;

import java.util.Arrays;

/// Weight formats as the testkit knows them; the names are those of ggml, so that `valueOf` translates the engine's.
public enum BlockFormat {
    F32(0, 1, 4),
    F16(1, 1, 2),
    Q4_0(2, 32, 2 + 16),
    Q4_1(3, 32, 2 + 2 + 16),
    Q5_0(6, 32, 2 + 4 + 16),
    Q5_1(7, 32, 2 + 2 + 4 + 16),
    Q8_0(8, 32, 2 + 32),
    Q2_K(10, 256, 16 + 64 + 2 + 2),
    Q3_K(11, 256, 32 + 64 + 12 + 2),
    Q4_K(12, 256, 2 + 2 + 12 + 128),
    Q5_K(13, 256, 2 + 2 + 12 + 32 + 128),
    Q6_K(14, 256, 128 + 64 + 16 + 2),
    BF16(30, 1, 2);

    final int ggufType;
    final int elements;
    final int bytes;

    BlockFormat(int ggufType, int elements, int bytes) {
        this.ggufType = ggufType;
        this.elements = elements;
        this.bytes = bytes;
    }

    /// Bytes of a row of `count` elements, a whole number of blocks.
    public int rowBytes(int count) {
        if (count % elements != 0) {
            throw new IllegalArgumentException("a row of " + count + " is no whole number of " + this + " blocks");
        }
        return count / elements * bytes;
    }

    static BlockFormat ofGgufType(int type) {
        return Arrays.stream(values())
                .filter(f -> f.ggufType == type)
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("unknown tensor type " + type));
    }
}
