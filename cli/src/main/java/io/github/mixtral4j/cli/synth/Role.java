package io.github.mixtral4j.cli.synth;

/// What a weight matrix does: that decides how much precision a recipe gives it.
enum Role {
    EMBEDDING,
    OUTPUT,
    ATTENTION_Q,
    ATTENTION_K,
    ATTENTION_V,
    ATTENTION_OUTPUT,
    GATE_PROJ,
    UP_PROJ,
    DOWN_PROJ
}
