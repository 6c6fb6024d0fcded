/// How good a model is at what the small Mixtral was made for: held-out tasks, the replies to them, and a card with the
/// figures. Start with [Examination]. Imports the engine's generator and the tasks of `nano.data`; only the tools of
/// this module import it. Never decodes by itself, and never sees a sample that was trained on.
@NullMarked
package io.github.mixtral4j.nano.eval;

import org.jspecify.annotations.NullMarked;
