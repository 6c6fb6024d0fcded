package io.github.mixtral4j.kernel;

import io.github.mixtral4j.tensor.DType;
import java.lang.foreign.MemorySegment;

/// Cached keys and values as the attention kernels see them: per sequence a list of pages of [#PAGE_TOKENS] tokens.
///
/// Inside a page, for a layer and a key/value head, keys lie transposed, `[headDim][PAGE_TOKENS]`, and values straight,
/// `[PAGE_TOKENS][headDim]`: so both the scores and the weighted sum run along contiguous memory and need no
/// reduction across lanes. Elements are F16, F32 or Q8_0.
///
/// In Q8_0 each 32 elements of a key, or of a value, share a scale: element = quant * scale. Quants and
/// scales lie apart, so that both are read in the order of their use:
///
/// | | keys | values |
/// |---|---|---|
/// | first: signed bytes | `[headDim][PAGE_TOKENS]` | `[PAGE_TOKENS][headDim]` |
/// | then: float16 scales | `[headDim / 32][PAGE_TOKENS]` | `[PAGE_TOKENS][headDim / 32]` |
public interface PagedKv {
    /// Tokens per page: four registers of 16 floats.
    int PAGE_TOKENS = 64;

    /// F16, F32 or Q8_0; in Q8_0 [#headDim()] is a multiple of 32.
    DType type();

    /// Query heads.
    int numHeads();

    /// Key and value heads.
    int numKvHeads();

    /// Elements per head.
    int headDim();

    /// The memory of the page that holds tokens from `index * PAGE_TOKENS` on.
    MemorySegment page(int sequence, int index);

    /// Byte offset in a page of the keys of a layer and head, `[headDim][PAGE_TOKENS]`.
    long keyOffset(int layer, int kvHead);

    /// Byte offset in a page of the values of a layer and head, `[PAGE_TOKENS][headDim]`.
    long valueOffset(int layer, int kvHead);
}
