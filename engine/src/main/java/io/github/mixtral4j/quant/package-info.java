/// The meaning of every weight format: byte layout, scalar decode and encode. Start with [BlockCodec#of]. Imported by
/// `kernel`, which does the same faster; knows blocks of numbers, never tensors, files or threads.
@NullMarked
package io.github.mixtral4j.quant;

import org.jspecify.annotations.NullMarked;
