/// From a row of logits to the next token. Start with [SamplingParams], then [Sampler#of(SamplingParams)].
/// One file per rule; each is a [LogitsProcessor] over [Candidates]. Imports the JDK alone; never sees a model, a
/// tokenizer or text.
@NullMarked
package io.github.mixtral4j.sampling;

import org.jspecify.annotations.NullMarked;
