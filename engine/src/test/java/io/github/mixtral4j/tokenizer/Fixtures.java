package io.github.mixtral4j.tokenizer;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The conformance files beside the project, and texts made of them.
final class Fixtures {
    /// One reference encoding of Google's sentencepiece.
    record Case(String text, List<Integer> ids, String decoded) {}

    private Fixtures() {}

    /// A file of the shared folder; the test is skipped, with the reason, where the folder is absent.
    static Path file(String name) {
        Path file = io.github.mixtral4j.testkit.Fixtures.path(name);
        assumeTrue(Files.exists(file), () -> "conformance files are not at " + file.toAbsolutePath());
        return file;
    }

    static Tokenizer tokenizer(String version) {
        try {
            return Tokenizer.read(file("conformance/tokenizer.model." + version));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    static List<Case> cases(String version) {
        Path file = file("conformance/tokenizer-cases." + version + ".json");
        List<Case> cases = new ArrayList<>();
        for (JsonNode node : JsonMapper.shared().readTree(file.toFile())) {
            List<Integer> ids = new ArrayList<>();
            node.path("ids").forEach(id -> ids.add(id.intValue()));
            cases.add(new Case(
                    node.path("text").stringValue(), ids, node.path("decoded").stringValue()));
        }
        return cases;
    }
}
