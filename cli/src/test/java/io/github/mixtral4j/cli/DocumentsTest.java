package io.github.mixtral4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// The documents say what is true: names resolve, links lead somewhere, the README stays short.
final class DocumentsTest {
    private static final Pattern BACKTICKED = Pattern.compile("`([^`\\n]+)`");
    private static final Pattern TYPE = Pattern.compile("([A-Z]\\w*)(?:[.#](\\w+)(?:\\(.*\\))?)?");
    /// A name inside a drawing: two humps, or a member after a dot.
    private static final Pattern DRAWN =
            Pattern.compile("\\b([A-Z][a-z]+[A-Z]\\w*|[A-Z][a-z]\\w*(?=\\.[a-z]))(?:\\.(\\w+))?");
    /// The file that a link names, or nothing, and the fragment with its #, or nothing.
    private static final Pattern LINK = Pattern.compile("\\]\\(([^)#\\s]*)(#[^)\\s]*|)[^)]*\\)");

    private static final List<String> MODULES =
            List.of("testkit", "engine", "chat", "train", "nano", "cli", "benchmarks");
    private static final List<String> DOCUMENTS = List.of(
            "README.md",
            "ARCHITECTURE.md",
            "CONTRIBUTING.md",
            "PERFORMANCE.md",
            "FORMATS.md",
            "CHANGELOG.md",
            "nano/MODEL_CARD.md",
            "docs/reference/cli.md",
            "docs/reference/train.md");

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
        for (String document : DOCUMENTS) {
            Path from = Project.ROOT.resolve(document);
            Matcher link = LINK.matcher(Files.readString(from));
            while (link.find()) {
                if (!link.group(1).contains("://") && !leadsSomewhere(from, link.group(1), link.group(2))) {
                    broken.add(document + ": " + link.group(1) + link.group(2));
                }
            }
        }
        assertThat(broken).isEmpty();
    }

    @Test
    void readmeIsShort() throws IOException {
        assertThat(Files.readAllLines(Project.ROOT.resolve("README.md"))).hasSizeLessThan(200);
    }

    private static boolean leadsSomewhere(Path from, String file, String fragment) throws IOException {
        Path target = file.isEmpty() ? from : from.resolveSibling(file);
        return Files.exists(target) && (fragment.isEmpty() || fragments(target).contains(fragment));
    }

    /// The fragments that lead to the headings of a document, by GitHub's rule: lower case, spaces to dashes,
    /// punctuation dropped.
    private static Set<String> fragments(Path document) throws IOException {
        Set<String> fragments = new HashSet<>();
        boolean code = false;
        for (String line : Files.readAllLines(document)) {
            if (line.startsWith("```")) {
                code = !code;
            } else if (!code && line.matches("#+ .*")) {
                String heading = line.replaceFirst("#+ ", "").toLowerCase(Locale.ROOT);
                fragments.add("#" + heading.replaceAll("[^\\p{L}\\p{N}_ -]", "").replace(' ', '-'));
            }
        }
        return fragments;
    }

    /// Whether a name is a type, a type with a member, a file, a level of the C kernels, a package or module, or an
    /// option of the command.
    private static boolean exists(Map<String, String> types, String reference, String name) {
        Matcher type = TYPE.matcher(name);
        if (type.matches() && typeExists(types, type.group(1), type.group(2))) {
            return true;
        }
        String path = name.startsWith("./") ? name.substring(2).replaceFirst(" .*", "") : name;
        if (Files.exists(Project.ROOT.resolve(path)) || isLevel(types, name)) {
            return true;
        }
        if (name.matches("[a-z]\\w*")) {
            String folder = "src/main/java/io/github/mixtral4j/" + name;
            return MODULES.stream()
                    .anyMatch(module ->
                            Files.isDirectory(Project.ROOT.resolve(module).resolve(folder)));
        }
        return (name.startsWith("--") || name.startsWith("mixtral ")) && reference.contains(name);
    }

    private static boolean isLevel(Map<String, String> types, String name) {
        return types.getOrDefault("NativeLibrary", "").contains("\"" + name + "\"");
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
        for (String module : MODULES) {
            try (Stream<Path> files = Files.walk(Project.ROOT.resolve(module, "src"))) {
                for (Path file : files.toList()) {
                    if (file.toString().endsWith(".java")) {
                        String source = Files.readString(file);
                        declared.matcher(source)
                                .results()
                                .forEach(m -> types.merge(m.group(1), source, String::concat));
                    }
                }
            }
        }
        return types;
    }
}
