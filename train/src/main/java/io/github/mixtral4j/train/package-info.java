/// Training: what its packages share. Start with [io.github.mixtral4j.train.loop.Trainer]. Imported by the
/// packages below it; never by the engine.
@NullMarked
package io.github.mixtral4j.train;

import org.jspecify.annotations.NullMarked;
