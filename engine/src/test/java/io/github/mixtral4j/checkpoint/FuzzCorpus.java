package io.github.mixtral4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;

/// The inputs a fuzz test starts from and replays in every build, in the folder where Jazzer looks for them.
///
/// Each fuzz test makes its own, from a valid file and the lies of the tests beside it. To write them anew:
/// `mvn test -pl engine -am -Dtest='*FuzzTest' -DtestJvmArgs=-Dmixtral4j.writeSeeds=true`. What fuzzing finds is added
/// beside them and kept.
public final class FuzzCorpus {
    private static final Path RESOURCES = Path.of("src/test/resources");
    private static final int MAX_SEED_BYTES = 4096;
    private static final long MAX_CORPUS_BYTES = 50_000;

    private FuzzCorpus() {}

    /// Asserts that the corpus in the resources has these seeds, but for large ones, and is small.
    ///
    /// @param seeds content by name
    public static void check(Class<?> fuzzTest, String method, Map<String, byte[]> seeds) throws IOException {
        Path folder = RESOURCES
                .resolve(fuzzTest.getName().replace('.', '/') + "Inputs")
                .resolve(method);
        for (Map.Entry<String, byte[]> seed : seeds.entrySet()) {
            if (seed.getValue().length > MAX_SEED_BYTES) {
                continue;
            }
            Path file = folder.resolve(seed.getKey().replaceAll("[^a-zA-Z0-9]+", "-"));
            if (Boolean.getBoolean("mixtral4j.writeSeeds")) {
                Files.createDirectories(folder);
                Files.write(file, seed.getValue());
            }
            assertThat(file).hasBinaryContent(seed.getValue());
        }
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files.mapToLong(file -> file.toFile().length()).sum()).isLessThan(MAX_CORPUS_BYTES);
        }
    }
}
