/// Seeded tiny checkpoints in every container, and a reference model that shares no code with the engine.
module io.github.mixtral4j.testkit {
    requires static org.jspecify;

    exports io.github.mixtral4j.testkit;
}
