/// Text to token ids and back: SentencePiece BPE with byte fallback, as Mixtral's vocabularies v1 and v3 use it.
/// Start with [Tokenizer#read]. Imports no other package of the engine; `generate`, `load` and the modules above
/// import it. Never adds a BOS, knows no chat format, and never makes a control id out of text.
@NullMarked
package io.github.mixtral4j.tokenizer;

import org.jspecify.annotations.NullMarked;
