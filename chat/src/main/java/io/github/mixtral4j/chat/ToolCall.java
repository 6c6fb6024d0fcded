package io.github.mixtral4j.chat;

/// The model's wish that a function be run.
/// @param id what the result will refer to, of any form; empty if there is none
/// @param name the function
/// @param arguments JSON text, an object by convention; empty is taken as `{}`
public record ToolCall(String id, String name, String arguments) {}
