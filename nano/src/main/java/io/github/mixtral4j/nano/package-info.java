/// The small Mixtral that comes with mixtral4j, and the tools that make and measure it. Start with [NanoModel]; the
/// command line imports nothing else. Never decodes by itself, and never trains: `mixtral train` does.
@NullMarked
package io.github.mixtral4j.nano;

import org.jspecify.annotations.NullMarked;
