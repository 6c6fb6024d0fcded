/// Messages to prompts and replies to messages, in the formats the Mixtral models were trained on.
module io.github.mixtral4j.chat {
    requires io.github.mixtral4j.engine;
    requires static org.jspecify;
    requires tools.jackson.databind;
}
