package io.github.mixtral4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class MainTest {
    @Test
    void noArgumentsPrintHelp() {
        Cli alone = Cli.run();
        assertThat(alone).isEqualTo(Cli.run("--help"));
        assertThat(alone.code()).isEqualTo(0);
        assertThat(alone.out()).startsWith("Usage: mixtral ");
        assertThat(alone.err()).isEmpty();
    }

    @Test
    void versionIsOneLine() {
        assertThat(Cli.run("--version")).isEqualTo(new Cli(0, "mixtral4j development\n", ""));
    }

    @Test
    void unknownOptionIsWrongUsage() {
        assertThat(Cli.run("--frobnicate")).isEqualTo(new Cli(2, "", """
                        mixtral: Unknown option: '--frobnicate'
                        Try 'mixtral --help'.
                        """));
    }
}
