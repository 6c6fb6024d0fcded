package io.github.mixtral4j.cli;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/// Runs a command line in this process and keeps what it printed.
record Cli(int code, String out, String err) {
    static Cli run(String... args) {
        return withInput("", args);
    }

    static Cli withInput(String input, String... args) {
        var out = new ByteArrayOutputStream();
        var err = new ByteArrayOutputStream();
        var in = new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8));
        int code = Main.run(new Console(in, out, err, () -> false), args);
        return new Cli(code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }
}
