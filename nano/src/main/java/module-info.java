/// The small Mixtral that ships with mixtral4j: its data, its recipe, its evaluation, and the model itself.
module io.github.mixtral4j.nano {
    requires transitive io.github.mixtral4j.chat;
    requires transitive io.github.mixtral4j.engine;
    requires static org.jspecify;
    requires tools.jackson.databind;

    exports io.github.mixtral4j.nano;
    exports io.github.mixtral4j.nano.data;
    exports io.github.mixtral4j.nano.eval;
}
