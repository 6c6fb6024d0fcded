/// Turns gradients into steps: [AdamW], its learning-rate [Schedule], [Gradients]. Start with [AdamW].
/// Imported by the loop; never computes a gradient.
@NullMarked
package io.github.mixtral4j.train.optim;

import org.jspecify.annotations.NullMarked;
