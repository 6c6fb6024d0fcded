/// Checkpoints to models: tensor names, configs and tokenizers of GGUF, Hugging Face and Mistral files;
/// adapters in both directions. Start with [ModelLoader#load] and [AdapterLoader#load]. The only package that
/// knows what tensors are called; imported by the modules above the engine. Computes nothing and copies no
/// weights.
@NullMarked
package io.github.mixtral4j.load;

import org.jspecify.annotations.NullMarked;
