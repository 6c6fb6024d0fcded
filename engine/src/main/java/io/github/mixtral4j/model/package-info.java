/// The Mixtral forward pass. Start with [Mixtral#forward]. Knows weights as records and numbers, not files or names;
/// what changes during a run stands in [KvCache] and [Workspace].
@NullMarked
package io.github.mixtral4j.model;

import org.jspecify.annotations.NullMarked;
