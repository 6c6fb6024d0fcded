package io.github.mixtral4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// The root documents say what is true: names resolve, links lead somewhere, the README stays short.
final class DocumentsTest {
    private static final Pattern BACKTICKED = Pattern.compile("`([^`\\n]+)`");
    private static final Pattern TYPE = Pattern.compile("([A-Z]\\w*)(?:[.#](\\w+)(?:\\(.*\\))?)?");
    /// A name inside a drawing: two humps, or a member after a dot.
    private static final Pattern DRAWN =
            Pattern.compile("\\b([A-Z][a-z]+[A-Z]\\w*|[A-Z][a-z]\\w*(?=\\.[a-z]))(?:\\.(\\w+))?");
    private static final Pattern LINK = Pattern.compile("\\]\\(([^)#\\s]+)[^)]*\\)");

    @Test
    void everyCodeNameInArchitectureExists() throws IOException {
        Map<String, String> types = sources();
        String reference = Files.readString(Project.ROOT.resolve("docs/reference/cli.md"));
        List<String> unknown = new ArrayList<>();
        boolean drawing = false;
        for (String line : Files.readAllLines(Project.ROOT.resolve("ARCHITECTURE.md"))) {
            if (line.startsWith("```")) {
                drawing = !drawing;
            } else if (drawing) {
                DRAWN.matcher(line).results().forEach(m -> {
                    if (!typeExists(types, m.group(1), m.group(2))) {
                        unknown.add(m.group());
                    }
                });
            } else {
                BACKTICKED.matcher(line).results().map(m -> m.group(1)).forEach(name -> {
                    if (!exists(types, reference, name)) {
                        unknown.add(name);
                    }
                });
            }
        }
        assertThat(unknown)
                .as("names in ARCHITECTURE.md that are not in the project")
                .isEmpty();
    }

    @Test
    void linksOfTheDocumentsLeadSomewhere() throws IOException {
        List<String> broken = new ArrayList<>();
        for (String document : List.of("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")) {
            LINK.matcher(Files.readString(Project.ROOT.resolve(document)))
                    .results()
                    .map(m -> m.group(1))
                    .filter(target -> !target.contains("://") && !Files.exists(Project.ROOT.resolve(target)))
                    .forEach(target -> broken.add(document + ": " + target));
        }
        assertThat(broken).isEmpty();
    }

    @Test
    void readmeIsShort() throws IOException {
        assertThat(Files.readAllLines(Project.ROOT.resolve("README.md"))).hasSizeLessThan(200);
    }

    /// Whether a name is a type, a type with a member, a file, a package or module, or an option of the command.
    private static boolean exists(Map<String, String> types, String reference, String name) {
        Matcher type = TYPE.matcher(name);
        if (type.matches() && typeExists(types, type.group(1), type.group(2))) {
            return true;
        }
        String path = name.startsWith("./") ? name.substring(2).replaceFirst(" .*", "") : name;
        if (Files.exists(Project.ROOT.resolve(path))) {
            return true;
        }
        if (name.matches("[a-z]\\w*")) {
            String folder = "src/main/java/io/github/mixtral4j/" + name;
            return Stream.of("engine", "chat", "train", "nano", "cli", "testkit")
                    .anyMatch(module ->
                            Files.isDirectory(Project.ROOT.resolve(module).resolve(folder)));
        }
        return (name.startsWith("--") || name.startsWith("mixtral ")) && reference.contains(name);
    }

    private static boolean typeExists(Map<String, String> types, String type, String member) {
        String source = types.get(type);
        return source != null
                && (member == null
                        || Pattern.compile("\\b" + member + "\\b")
                                .matcher(source)
                                .find());
    }

    /// Every type declared in the project, nested ones too, with the source that declares it.
    private static Map<String, String> sources() throws IOException {
        Pattern declared = Pattern.compile("\\b(?:class|interface|record|enum)\\s+([A-Z]\\w*)");
        Map<String, String> types = new TreeMap<>();
        try (Stream<Path> files = Files.walk(Project.ROOT)) {
            for (Path file : files.filter(
                            f -> f.toString().endsWith(".java") && f.toString().contains("/src/"))
                    .toList()) {
                String source = Files.readString(file);
                declared.matcher(source).results().forEach(m -> types.merge(m.group(1), source, String::concat));
            }
        }
        return types;
    }
}
