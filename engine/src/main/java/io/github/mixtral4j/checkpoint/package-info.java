/// Files to named tensors and back: GGUF, Hugging Face and Mistral safetensors. Start with
/// [Checkpoint#open(java.nio.file.Path)]; [GgufWriter] is the way back. Imported by `load` and by tools that read or
/// write files. Knows bytes, not models: tensor names are interpreted only in `io.github.mixtral4j.load`.
@NullMarked
package io.github.mixtral4j.checkpoint;

import org.jspecify.annotations.NullMarked;
