/// The small Mixtral that ships with mixtral4j: its data, its recipe, its evaluation, and the model itself.
module io.github.mixtral4j.nano {
    requires io.github.mixtral4j.chat;
    requires io.github.mixtral4j.engine;
    requires static org.jspecify;
    requires tools.jackson.databind;

    exports io.github.mixtral4j.nano;
}
