/// Conversations to prompts and replies to messages, in the formats that Mixtral's instruct models were trained on.
/// Start with [ChatFormat#of] and [ChatRequest#read]. Imports the engine's tokenizer; training,
/// the small model's data and evaluation, and the command line import it. Never runs a model, and never lets user
/// text become a control id.
@NullMarked
package io.github.mixtral4j.chat;

import org.jspecify.annotations.NullMarked;
