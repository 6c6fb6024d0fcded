/// Messages to prompts and replies to messages, in the formats the Mixtral models were trained on.
module io.github.mixtral4j.chat {
    requires transitive io.github.mixtral4j.engine;
    requires static org.jspecify;
    requires transitive tools.jackson.databind;

    exports io.github.mixtral4j.chat;
}
