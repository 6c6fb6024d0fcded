/// Training: the whole mixture, or small adapters on frozen weights.
module io.github.mixtral4j.train {
    requires transitive io.github.mixtral4j.chat;
    requires transitive io.github.mixtral4j.engine;
    requires static org.jspecify;
    requires org.snakeyaml.engine;
    requires tools.jackson.databind;

    exports io.github.mixtral4j.train;
    exports io.github.mixtral4j.train.data;
    exports io.github.mixtral4j.train.loop;
    exports io.github.mixtral4j.train.model;
    exports io.github.mixtral4j.train.optim;
    exports io.github.mixtral4j.train.tokenizer;
}
