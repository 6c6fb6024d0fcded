/// The mixtral command. Start with [Main#run]; every subcommand is one class, listed in [Commands]. Wires the other
/// modules together and imports all of them; the only place that prints and exits, and it computes nothing itself.
@NullMarked
package io.github.mixtral4j.cli;

import org.jspecify.annotations.NullMarked;
