/// The operations of the model, forward and backward side by side, on rows of float32. Start with [Projection].
/// Imported by `train.model`; knows matrices and gradients, not parameters, losses or layers. Backward methods set the
/// gradient of their input unless they say that they add to it, and always add to gradients of weights.
@NullMarked
package io.github.mixtral4j.train.op;

import org.jspecify.annotations.NullMarked;
