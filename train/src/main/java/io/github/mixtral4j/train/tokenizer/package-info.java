/// Text in, tokenizer out: BPE with byte fallback as SentencePiece has it, in the layouts of Mistral's
/// tokenizers. Start with [TokenizerTraining]. Imported by the command; uses the engine's vocabulary and
/// nothing else of it.
@NullMarked
package io.github.mixtral4j.train.tokenizer;

import org.jspecify.annotations.NullMarked;
