/// What training makes small, each with its gradient. Start with [CrossEntropy]. Imported by `train.model`;
/// knows logits and weights of tokens, not what produced them.
@NullMarked
package io.github.mixtral4j.train.loss;

import org.jspecify.annotations.NullMarked;
