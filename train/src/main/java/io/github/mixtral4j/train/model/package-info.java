/// What is trained: a model with parameters, a loss and gradients. Start with [Trainable]. Imported by whoever
/// steps it or feeds it; never reads training text and never changes a parameter.
@NullMarked
package io.github.mixtral4j.train.model;

import org.jspecify.annotations.NullMarked;
