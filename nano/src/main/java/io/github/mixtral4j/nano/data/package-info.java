/// What the small Mixtral learns from: seeded samples of everything it shall be able to do, and clean corpora. Start
/// with [DataSet]. Imports the chat module for messages; only the tools of this module import it. Never trains, and
/// never fetches anything.
@NullMarked
package io.github.mixtral4j.nano.data;

import org.jspecify.annotations.NullMarked;
