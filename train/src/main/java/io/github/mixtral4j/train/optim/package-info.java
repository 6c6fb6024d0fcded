/// Turns gradients into steps: [AdamW] and its learning-rate [Schedule]. Start with [AdamW].
/// Imported by the loop; never computes a gradient.
@NullMarked
package io.github.mixtral4j.train.optim;

import org.jspecify.annotations.NullMarked;
