/// Checkpoints of a real geometry with random weights, to measure how fast a model would be without downloading it.
/// Start with [Synthesis#write]. Imported by the `synth` command.
@NullMarked
package io.github.mixtral4j.cli.synth;

import org.jspecify.annotations.NullMarked;
