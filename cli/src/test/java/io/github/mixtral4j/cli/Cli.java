package io.github.mixtral4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import tools.jackson.databind.JsonNode;

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

    /// Runs a command that succeeds and prints one line of JSON.
    static JsonNode json(String... args) {
        Cli result = run(args);
        assertThat(result.code()).as(result.err()).isEqualTo(0);
        assertThat(result.out()).endsWith("}\n").hasLineCount(1);
        return Json.MAPPER.readTree(result.out());
    }
}
