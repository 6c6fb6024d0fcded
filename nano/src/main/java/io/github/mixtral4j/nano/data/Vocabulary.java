package io.github.mixtral4j.nano.data;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/// The word lists beside these classes: text files of sections, each with lines.
/// ```
/// # comment
/// [heading]
/// line
/// another | with | several | cells
/// a line\nwith a break in it
/// ```
final class Vocabulary {
    private final String name;
    private final Map<String, List<String>> sections = new LinkedHashMap<>();
    private final Map<String, List<String>> words = new ConcurrentHashMap<>();
    private final Map<String, List<List<String>>> rows = new ConcurrentHashMap<>();

    private Vocabulary(String name) {
        this.name = name;
    }

    /// Reads a resource.
    /// @throws IllegalArgumentException if there is none of that name, or a line stands before the first heading
    static Vocabulary read(String name) {
        InputStream resource = Vocabulary.class.getResourceAsStream(name);
        if (resource == null) {
            throw new IllegalArgumentException("no word list " + name);
        }
        Vocabulary vocabulary = new Vocabulary(name);
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(resource, StandardCharsets.UTF_8))) {
            vocabulary.readSections(lines);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return vocabulary;
    }

    private void readSections(BufferedReader lines) throws IOException {
        List<String> section = null;
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            if (line.startsWith("[")) {
                section = new ArrayList<>();
                sections.put(line.substring(1, line.indexOf(']')), section);
            } else if (!line.isBlank() && !line.startsWith("#")) {
                if (section == null) {
                    throw new IllegalArgumentException(name + ": a line before the first heading: " + line);
                }
                section.add(line.strip().replace("\\n", "\n"));
            }
        }
    }

    /// The headings in their order.
    List<String> headings() {
        return List.copyOf(sections.keySet());
    }

    /// The lines of a section.
    /// @throws IllegalArgumentException if there is no such section
    List<String> lines(String heading) {
        List<String> lines = sections.get(heading);
        if (lines == null) {
            throw new IllegalArgumentException(name + ": no section " + heading);
        }
        return lines;
    }

    /// The words of a section whose lines are lists with commas.
    List<String> words(String heading) {
        return words.computeIfAbsent(
                heading,
                h -> lines(h).stream()
                        .flatMap(line -> Stream.of(line.split(",")))
                        .map(String::strip)
                        .toList());
    }

    /// The cells of every line of a section.
    List<List<String>> rows(String heading) {
        return rows.computeIfAbsent(
                heading, h -> lines(h).stream().map(Vocabulary::cells).toList());
    }

    /// The parts of a line between bars.
    static List<String> cells(String line) {
        return Stream.of(line.split("\\|")).map(String::strip).toList();
    }
}
