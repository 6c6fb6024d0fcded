/// Weights in, tokens out: loads Mixtral checkpoints, tokenizes, runs the forward pass and generates.
module io.github.mixtral4j.engine {
    requires jdk.incubator.vector;
    requires static org.jspecify;
    requires tools.jackson.databind;

    exports io.github.mixtral4j.checkpoint;
    exports io.github.mixtral4j.generate;
    exports io.github.mixtral4j.kernel;
    exports io.github.mixtral4j.load;
    exports io.github.mixtral4j.model;
    exports io.github.mixtral4j.quant;
    exports io.github.mixtral4j.sampling;
    exports io.github.mixtral4j.tensor;
    exports io.github.mixtral4j.tokenizer;
}
