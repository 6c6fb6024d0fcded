/// The mixtral command: one class per subcommand, and the only module that prints and exits.
module io.github.mixtral4j.cli {
    requires info.picocli;
    requires io.github.mixtral4j.chat;
    requires io.github.mixtral4j.engine;
    requires io.github.mixtral4j.nano;
    requires io.github.mixtral4j.train;
    requires org.jline.reader;
    requires org.jline.terminal;
    requires static org.jspecify;
    requires tools.jackson.databind;

    opens io.github.mixtral4j.cli to
            info.picocli;
}
