package io.github.mixtral4j.cli;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.mixtral4j.testkit.Fixtures;
import java.nio.file.Files;
import java.nio.file.Path;

/// Folders that tests look into.
public final class Project {
    /// The root of the repository.
    public static final Path ROOT = Path.of(System.getProperty("mixtral4j.root"));

    private Project() {}

    /// A file or folder of the shared fixtures; where they are not installed, the test says so and does not run.
    public static Path fixture(String path) {
        Path file = Fixtures.path(path);
        assumeTrue(Files.exists(file), () -> file + " is not there; set -Dmixtral4j.fixtures to the fixtures' folder");
        return file;
    }
}
