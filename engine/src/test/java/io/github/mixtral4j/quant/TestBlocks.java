package io.github.mixtral4j.quant;

/// Blocks that find the mistakes of encoders: signs, ties, zeros, outliers, scales below float16. The script
/// `ggml_block_checksums.py` makes the same.
final class TestBlocks {
    static final int COUNT = 240;
    private static final int KINDS = 12;

    private long state = 42;

    static float[] make() {
        TestBlocks random = new TestBlocks();
        float[] x = new float[COUNT * 256];
        for (int i = 0; i < x.length; i++) {
            x[i] = element(i / 256, i % 256, random.uniform(), random.uniform());
        }
        return x;
    }

    private static float element(int block, int i, float u, float v) {
        return switch (block % KINDS) {
            case 0 -> u;
            case 1 -> u * v;
            case 2 -> Math.abs(u);
            case 3 -> -Math.abs(u);
            case 4 -> u * 0x1p-20f;
            case 5 -> 0;
            case 6 -> block - 100;
            case 7 -> i == block % 256 ? -50 : u * v * v * v;
            case 8 -> (i - 128) / 8f;
            case 9 -> u * 0x1p-40f;
            case 10 -> (float) Math.floor(u * 8) / 2;
            default -> (i / 32 + block) % 3 == 0 ? 0 : u * v;
        };
    }

    private float uniform() {
        state = state * 6364136223846793005L + 1442695040888963407L;
        return ((state >>> 40) - (1 << 23)) / (float) (1 << 23);
    }
}
