package io.github.mixtral4j.testkit;

import java.nio.file.Files;
import java.nio.file.Path;

/// Where the golden models and conformance files stand: the folder of the system property `mixtral4j.fixtures`.
public final class Fixtures {
    private Fixtures() {}

    /// A file or folder of the fixtures, such as `golden/a/expected.json`; it exists only if the fixtures are there.
    public static Path path(String relative) {
        return Path.of(System.getProperty("mixtral4j.fixtures", "../shared")).resolve(relative);
    }

    /// Whether the golden models are there; tests that need them are skipped otherwise, with [#ABSENT].
    public static boolean present() {
        return Files.isDirectory(path("golden/a"));
    }

    /// Why a test was skipped.
    public static final String ABSENT = "no golden models: set -Dmixtral4j.fixtures to the folder that holds golden/";
}
