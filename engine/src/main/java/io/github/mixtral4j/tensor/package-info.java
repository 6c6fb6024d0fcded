/// What a block of numbers is: element encodings, shapes, and views of weights and activations. Start with [Tensor].
/// Depends on the JDK alone; computes nothing.
@NullMarked
package io.github.mixtral4j.tensor;

import org.jspecify.annotations.NullMarked;
