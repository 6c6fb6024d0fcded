package io.github.mixtral4j.chat;

import tools.jackson.databind.node.ObjectNode;

/// A function that the model may call.
/// @param name letters, digits, `_` and `-`, at most 64
/// @param description what the function is for; may be empty
/// @param parameters JSON Schema of the arguments; not to be changed afterwards
public record Tool(String name, String description, ObjectNode parameters) {}
