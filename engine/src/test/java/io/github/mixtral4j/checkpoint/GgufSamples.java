package io.github.mixtral4j.checkpoint;

/// Small valid GGUF files to damage.
final class GgufSamples {
    static final int DATA_BYTES = 256 + 18;

    private GgufSamples() {}

    /// Three tensors, and metadata of the types that real files use.
    static byte[] small() {
        return new GgufBytes()
                .text("general.architecture", "llama")
                .uint32("general.alignment", 64)
                .alignment(64)
                .pair("rope", 6, out -> out.int32(Float.floatToIntBits(1e6f)))
                .pair("add_bos", 7, out -> out.int8(1))
                .pair(
                        "tokens",
                        9,
                        out -> out.int32(8).int64(3).text("<unk>").text("▁").text(""))
                .pair(
                        "nested",
                        9,
                        out -> out.int32(9).int64(1).int32(2).int64(2).int16(1).int16(2))
                .pair("big", 10, out -> out.int64(1L << 40))
                .tensor("token_embd.weight", 0, 0, 8, 4)
                .tensor("blk.0.ffn_down_exps.weight", 8, 128, 32, 1, 2)
                .tensor("blk.0.attn_q.weight", 2, 256, 32)
                .build(DATA_BYTES);
    }
}
