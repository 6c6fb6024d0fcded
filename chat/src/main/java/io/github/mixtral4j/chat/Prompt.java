package io.github.mixtral4j.chat;

/// A rendered conversation.
/// @param ids what the model reads, `<s>` first; the receiver's own
/// @param text the pieces of those ids joined, for people to read: `▁` is a space, `<0x0A>` a byte. Not for encoding
///     again, which would take control pieces for plain text
@SuppressWarnings("ArrayRecordComponent") // a result to be read, never compared
public record Prompt(int[] ids, String text) {}
