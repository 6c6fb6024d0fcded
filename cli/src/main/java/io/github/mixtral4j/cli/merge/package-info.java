/// A model and adapters in, a model with them merged out. Start with [AdapterMerge]; imported by the command. Knows
/// files and rows; what a merged row is stands in `model`.
@NullMarked
package io.github.mixtral4j.cli.merge;

import org.jspecify.annotations.NullMarked;
