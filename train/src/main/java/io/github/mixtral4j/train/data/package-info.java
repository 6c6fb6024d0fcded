/// JSONL to batches: lines, samples, their order, packing. Start with [Dataset#open] and [BatchStream].
/// Imported by the loop; never holds a whole file in memory and never sees a model.
@NullMarked
package io.github.mixtral4j.train.data;

import org.jspecify.annotations.NullMarked;
