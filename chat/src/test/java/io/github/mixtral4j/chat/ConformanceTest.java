package io.github.mixtral4j.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.mixtral4j.testkit.Fixtures;
import io.github.mixtral4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Requests rendered with the real vocabularies, against what mistral-common renders.
class ConformanceTest {
    @ParameterizedTest
    @ValueSource(strings = {"v1", "v3"})
    void rendersTheConformanceRequestsAsMistralCommon(String version) throws IOException {
        ChatFormat format = ChatFormat.of(tokenizer(version));
        assertThat(format.name()).isEqualTo(version);
        int compared = 0;
        for (Path sample : samples()) {
            Path tokens = sample.resolve("tokens_" + version + ".json");
            if (Files.exists(tokens)) {
                Prompt prompt = format.render(ChatRequest.read(Files.readString(sample.resolve("sample.json"))));
                JsonNode expected = JsonMapper.shared().readTree(tokens.toFile());
                JsonNode ids = expected.isObject() ? expected.path("tokens") : expected;
                assertThat(prompt.ids())
                        .as(sample.toString())
                        .containsExactly(IntStream.range(0, ids.size())
                                .map(i -> ids.get(i).intValue())
                                .toArray());
                assertThat(prompt.text()).isEqualTo(Files.readString(sample.resolve("text_" + version + ".txt")));
                compared++;
            }
        }
        assertThat(compared).isPositive();
    }

    @Test
    void parsesTheToolCallsItRendered() {
        ChatFormat format = ChatFormat.of(tokenizer("v3"));
        List<ToolCall> calls = List.of(
                new ToolCall("123456789", "get_weather", "{\"city\": \"Orléans 🦙\", \"days\": 1.0}"),
                new ToolCall("abcdefghi", "now", "{}"));
        Prompt prompt = format.render(new ChatRequest(List.of(
                new Message.UserMessage("q"),
                new Message.AssistantMessage(calls),
                new Message.ToolMessage("1", "123456789"),
                new Message.ToolMessage("2", "abcdefghi"))));
        int start = IntStream.range(0, prompt.ids().length)
                .filter(i -> prompt.ids()[i] == 5)
                .findFirst()
                .orElseThrow();
        int end = IntStream.range(start, prompt.ids().length)
                .filter(i -> prompt.ids()[i] == 2)
                .findFirst()
                .orElseThrow();
        Reply reply = format.parse(
                IntStream.rangeClosed(start, end).map(i -> prompt.ids()[i]).toArray());
        assertThat(reply.problem()).isEmpty();
        assertThat(reply.toolCalls()).isEqualTo(calls);
        assertThat(reply.content()).isEmpty();
    }

    private static Path shared() {
        Path folder = Fixtures.path("conformance");
        assumeTrue(Files.exists(folder), () -> "conformance files are not at " + folder.toAbsolutePath());
        return folder;
    }

    private static Tokenizer tokenizer(String version) {
        try {
            return Tokenizer.read(shared().resolve("tokenizer.model." + version));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static List<Path> samples() throws IOException {
        try (Stream<Path> folders = Files.list(shared().resolve("chat"))) {
            return folders.sorted().toList();
        }
    }
}
