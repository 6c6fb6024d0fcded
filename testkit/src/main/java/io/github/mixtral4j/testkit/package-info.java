/// Independent oracles for tests: a tiny seeded Mixtral in every container and a double-precision reference written
/// from the paper. Shares no code with the engine and never imports it.
@NullMarked
package io.github.mixtral4j.testkit;

import org.jspecify.annotations.NullMarked;
