package io.github.mixtral4j.nano.data;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.mixtral4j.chat.ChatFormat;
import io.github.mixtral4j.chat.ChatRequest;
import io.github.mixtral4j.chat.Message;
import io.github.mixtral4j.chat.Message.AssistantMessage;
import io.github.mixtral4j.chat.Message.UserMessage;
import io.github.mixtral4j.chat.Tool;
import io.github.mixtral4j.chat.ToolCall;
import io.github.mixtral4j.testkit.TinyTokenizer;
import io.github.mixtral4j.tokenizer.SentencePieceModel;
import io.github.mixtral4j.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

final class SamplesTest {
    private static final int COUNT = 200;
    private static final JsonMapper JSON = new JsonMapper();
    private static final ChatFormat FORMAT = ChatFormat.of(Tokenizer.of(
            SentencePieceModel.parse("tiny.model", TinyTokenizer.v3(1500).sentencePieceModel())));

    static List<SampleSource> sources() {
        List<Country> countries = countries();
        return List.of(
                new SmallTalk(),
                new Translation(),
                new Facts(countries),
                new Reading(countries),
                new Arithmetic(),
                new FunctionCalls(),
                new Extraction(),
                new Stories(),
                new Copying(),
                new Drills(),
                new Choosing());
    }

    /// Five countries on each side.
    static List<Country> countries() {
        List<Country> countries = new ArrayList<>();
        for (Split split : Split.values()) {
            for (int i = 0; i < 5; i++) {
                Map<Attribute, String> facts = new EnumMap<>(Attribute.class);
                for (Attribute attribute : Attribute.values()) {
                    facts.put(attribute, attribute.name().charAt(0) + "value" + i + split.name());
                }
                countries.add(new Country("Land" + i + split.name(), split, facts));
            }
        }
        return countries;
    }

    static List<Sample> draw(SampleSource source, Split split, long seed) {
        Dice dice = new Dice(seed);
        List<Sample> samples = new ArrayList<>();
        for (int i = 0; i < COUNT; i++) {
            samples.add(source.draw(dice, split));
        }
        return samples;
    }

    private static List<Split> sides(SampleSource source) {
        return source instanceof Copying || source instanceof Drills || source instanceof Choosing
                ? List.of(Split.TRAIN)
                : List.of(Split.values());
    }

    @ParameterizedTest
    @MethodSource("sources")
    void theSameSeedMakesTheSameSamples(SampleSource source) {
        for (Split split : sides(source)) {
            assertThat(lines(draw(source, split, 7))).isEqualTo(lines(draw(source, split, 7)));
            assertThat(lines(draw(source, split, 7))).isNotEqualTo(lines(draw(source, split, 8)));
        }
    }

    private static List<String> lines(List<Sample> samples) {
        return samples.stream().map(SampleJson::chat).toList();
    }

    @ParameterizedTest
    @MethodSource("sources")
    void nothingIsTrainedAndHeldOut(SampleSource source) {
        Set<String> trained = new HashSet<>();
        draw(source, Split.TRAIN, 1).forEach(s -> trained.add(s.key()));
        trained.remove("");
        if (sides(source).contains(Split.HELD_OUT)) {
            assertThat(draw(source, Split.HELD_OUT, 2))
                    .extracting(Sample::key)
                    .doesNotContainAnyElementsOf(trained)
                    .doesNotContain("");
        }
    }

    @ParameterizedTest
    @MethodSource("sources")
    void everyRequestCanBeRenderedAndEverySlotIsFilled(SampleSource source) {
        for (Split split : sides(source)) {
            for (Sample sample : draw(source, split, 3)) {
                List<Message> history =
                        sample.messages().subList(0, sample.messages().size() - 1);
                assertThat(FORMAT.render(new ChatRequest(history, sample.tools()))
                                .ids())
                        .isNotEmpty();
                for (Message message : sample.messages()) {
                    String content = switch (message) {
                        case UserMessage user -> user.content();
                        case AssistantMessage reply -> reply.content();
                        default -> "";
                    };
                    assertThat(content)
                            .doesNotContainPattern("\\{[A-Za-z_]+\\}")
                            .doesNotContain("\\n", "  ");
                    assertThat(content).isEqualTo(content.strip());
                }
                sample.rejected()
                        .ifPresent(r -> assertThat(r.content().isEmpty())
                                .isEqualTo(!r.toolCalls().isEmpty()));
            }
        }
    }

    @Test
    void callsAreToOfferedFunctionsWithAllTheirParameters() {
        int calls = 0;
        for (Sample sample : draw(new FunctionCalls(), Split.HELD_OUT, 4)) {
            for (ToolCall call : sample.reply().toolCalls()) {
                Tool tool = sample.tools().stream()
                        .filter(t -> t.name().equals(call.name()))
                        .findFirst()
                        .orElseThrow();
                JsonNode arguments = JSON.readTree(call.arguments());
                assertThat(arguments.propertyNames())
                        .containsExactlyElementsOf(
                                tool.parameters().path("properties").propertyNames());
                String asked = ((UserMessage) sample.messages().getFirst()).content();
                arguments.forEach(value -> assertThat(asked).containsIgnoringCase(value.asString("")));
                assertThat(call.id()).isEmpty();
                calls++;
            }
        }
        assertThat(calls).isGreaterThan(COUNT / 2);
    }

    @Test
    void exercisesInChoosingNameAListedFunctionOrNone() {
        Set<Boolean> fitting = new HashSet<>();
        for (Sample sample : draw(new Choosing(), Split.TRAIN, 14)) {
            List<String> listed =
                    said(sample).lines().map(line -> line.split(":")[0]).toList();
            for (int i = 1; i < sample.messages().size(); i += 2) {
                String reply = ((AssistantMessage) sample.messages().get(i)).content();
                assertThat(reply.equals("none") || listed.contains(reply))
                        .as(said(sample) + " -> " + reply)
                        .isTrue();
                fitting.add(!reply.equals("none"));
            }
        }
        assertThat(fitting).containsExactlyInAnyOrder(true, false);
    }

    @Test
    void callsOfTheHistoryHaveIdsAndWeighNothing() {
        List<Sample> results = draw(new FunctionCalls(), Split.TRAIN, 5).stream()
                .filter(s -> s.kind().equals("calls.result"))
                .toList();
        assertThat(results).isNotEmpty().allSatisfy(sample -> {
            JsonNode line = JSON.readTree(SampleJson.chat(sample));
            assertThat(line.at("/messages/1/weight").asInt()).isEqualTo(0);
            assertThat(line.at("/messages/1/tool_calls/0/id").asString()).matches("[0-9A-Za-z]{9}");
            assertThat(line.at("/messages/2/tool_call_id")).isEqualTo(line.at("/messages/1/tool_calls/0/id"));
        });
    }

    @Test
    void stepsOfWordProblemsAreRightAndTheirRejectedOnesWrong() {
        Pattern step = Pattern.compile("(\\d+) ([-+×÷]) (\\d+) = (\\d+)");
        for (Sample sample : draw(new Arithmetic(), Split.HELD_OUT, 6)) {
            long last = 0;
            Matcher steps = step.matcher(sample.reply().content());
            while (steps.find()) {
                long a = Long.parseLong(steps.group(1));
                long b = Long.parseLong(steps.group(3));
                last = switch (steps.group(2)) {
                    case "+" -> a + b;
                    case "-" -> a - b;
                    case "×" -> a * b;
                    default -> a / b;
                };
                assertThat(last).isEqualTo(Long.parseLong(steps.group(4)));
            }
            assertThat(sample.expected()).isEqualTo(new Expected.Number(last));
            assertThat(sample.reply().content()).endsWith(". Answer: " + last);
            assertThat(sample.rejected().orElseThrow().content()).doesNotEndWith("Answer: " + last);
        }
    }

    @Test
    void noTrainedProblemHasAHeldOutStep() {
        Pattern step = Pattern.compile("(\\d+) ([-+]) (\\d+) =");
        for (Sample sample : draw(new Arithmetic(), Split.TRAIN, 8)) {
            Matcher steps = step.matcher(sample.reply().content());
            while (steps.find()) {
                Step found = new Step(
                        Integer.parseInt(steps.group(1)), steps.group(2).charAt(0), Integer.parseInt(steps.group(3)));
                assertThat(found.isHeldOut()).as(found.toString()).isFalse();
            }
        }
    }

    @Test
    void aSecondTextIsExtractedToTheSameSchema() {
        List<Sample> followed = draw(new Extraction(), Split.TRAIN, 15).stream()
                .filter(s -> s.messages().size() == 4)
                .toList();
        assertThat(followed).hasSizeBetween(COUNT / 4, COUNT / 2).allSatisfy(sample -> {
            JsonNode first = JSON.readTree(((AssistantMessage) sample.messages().get(1)).content());
            JsonNode second = JSON.readTree(sample.reply().content());
            assertThat(second.propertyNames()).containsExactlyElementsOf(first.propertyNames());
            JsonNode schema = ((Expected.Json) sample.expected()).schema();
            assertThat(first.properties())
                    .filteredOn(property -> property.getValue().isNull())
                    .allMatch(property -> schema.at("/properties/" + property.getKey() + "/type")
                            .isArray());
        });
    }

    @Test
    void noPieceOfTheVocabularyHasASpaceBeforeACapital() {
        String text = TokenizerText.withMarkedNames("Ada lives in  Lyon.\nUnd Éva? (Bo) said \"Hi\"");
        assertThat(text).isEqualTo("\"Ada lives in  \"Lyon.\n\"Und \"Éva? (Bo) said \"Hi\"");
    }

    /// What the user says first.
    static String said(Sample sample) {
        return ((UserMessage) sample.messages().getFirst()).content();
    }

    @Test
    void extractedValuesStandInTheText() {
        for (Sample sample : draw(new Extraction(), Split.HELD_OUT, 11)) {
            List<Message> messages = sample.messages();
            String text = ((UserMessage) messages.get(messages.size() - 2)).content();
            JsonNode answer = JSON.readTree(sample.reply().content());
            assertThat(sample.expected())
                    .isInstanceOfSatisfying(
                            Expected.Json.class, e -> assertThat(e.value()).isEqualTo(answer));
            answer.forEach(value -> assertThat(value.isNull() || text.contains(value.asString("")))
                    .isTrue());
        }
    }

    @Test
    void germanObjectsAreInTheAccusative() {
        Set<String> sentences = new HashSet<>();
        Dice dice = new Dice(12);
        for (int i = 0; i < 20_000; i++) {
            sentences.add(Parallel.sentence(dice, Split.TRAIN).in(Language.DE));
        }
        assertThat(sentences)
                .contains("Ich sehe den Hund.", "Ich habe einen Hut.", "Ich sehe die Katze.", "Das Haus ist rot.")
                .noneMatch(s -> s.matches("Ich (sehe|habe) (der|ein \\p{Lu}\\w+e) .*"));
    }

    @Test
    void spanishPutsAnAAndItalianAnApostropheWhereTheyBelong() {
        Set<String> spanish = new HashSet<>();
        Set<String> italian = new HashSet<>();
        Dice dice = new Dice(13);
        for (int i = 0; i < 20_000; i++) {
            Parallel sentence = Parallel.sentence(dice, Split.TRAIN);
            spanish.add(sentence.in(Language.ES));
            italian.add(sentence.in(Language.IT));
        }
        assertThat(spanish).contains("Veo al niño.", "Veo a la mujer.", "Veo el perro.", "La casa es roja.");
        assertThat(italian).contains("L'uomo è piccolo.", "Vedo lo specchio.", "La casa è rossa.");
    }
}
