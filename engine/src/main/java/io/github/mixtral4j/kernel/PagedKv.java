package io.github.mixtral4j.kernel;

import io.github.mixtral4j.tensor.DType;
import java.lang.foreign.MemorySegment;

/// Cached keys and values as the attention kernels see them: per sequence a list of pages of [#PAGE_TOKENS] tokens.
///
/// Inside a page, for a layer and a key/value head, keys lie transposed, `[headDim][PAGE_TOKENS]`, and values straight,
/// `[PAGE_TOKENS][headDim]`: so both the scores and the weighted sum run along contiguous memory and need no
/// reduction across lanes. Elements are F16 or F32.
public interface PagedKv {
    /// Tokens per page: four registers of 16 floats.
    int PAGE_TOKENS = 64;

    /// F16 or F32.
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
