package io.github.mixtral4j.testkit;

import java.util.stream.IntStream;

/// Lengths that find the mistakes of vector loops: around every register width, block size and unrolling factor.
public final class SizeSource {
    private static final int[] SIZES = {
        1, 2, 3, 7, 8, 9, 13, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 207, 255, 256, 257, 4098
    };

    private SizeSource() {}

    /// All lengths, ascending.
    public static IntStream sizes() {
        return IntStream.of(SIZES);
    }
}
