/// The only loop over tokens: prefill, decode, stop, stream, continuous batching and prefix reuse. Start with
/// [Generator] and [LocalGenerator]; [Scoring] measures how well the model predicts a given text. Imports model,
/// sampling and tokenizer; works on ids and text, never on messages, files or the console.
@NullMarked
package io.github.mixtral4j.generate;

import org.jspecify.annotations.NullMarked;
