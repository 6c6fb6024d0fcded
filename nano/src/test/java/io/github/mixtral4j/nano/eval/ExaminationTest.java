package io.github.mixtral4j.nano.eval;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.mixtral4j.chat.ChatFormat;
import io.github.mixtral4j.chat.ChatRequest;
import io.github.mixtral4j.chat.Message.UserMessage;
import io.github.mixtral4j.chat.ToolCall;
import io.github.mixtral4j.generate.Cancellation;
import io.github.mixtral4j.generate.FinishReason;
import io.github.mixtral4j.generate.GenerationEvent;
import io.github.mixtral4j.generate.GenerationRequest;
import io.github.mixtral4j.generate.Generator;
import io.github.mixtral4j.generate.Usage;
import io.github.mixtral4j.nano.data.Expected;
import io.github.mixtral4j.nano.data.Language;
import io.github.mixtral4j.nano.eval.Examination.Marks;
import io.github.mixtral4j.nano.eval.Examination.Score;
import io.github.mixtral4j.testkit.TinyTokenizer;
import io.github.mixtral4j.tokenizer.SentencePieceModel;
import io.github.mixtral4j.tokenizer.Tokenizer;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

final class ExaminationTest {
    private static final Tokenizer TOKENIZER = Tokenizer.of(
            SentencePieceModel.parse("tiny.model", TinyTokenizer.v3(1500).sentencePieceModel()));
    private static final ChatFormat FORMAT = ChatFormat.of(TOKENIZER);

    /// Answers from the decoded prompt and the seed of the request.
    private record Fake(BiFunction<String, Long, String> replies) implements Generator {
        @Override
        public Cancellation submit(GenerationRequest request, Consumer<GenerationEvent> sink) {
            String prompt = TOKENIZER.decode(request.prompt());
            String reply = replies.apply(prompt, request.sampling().seed().orElse(-1));
            if (reply.startsWith("[{")) {
                sink.accept(token(TOKENIZER.controlId("[TOOL_CALLS]").orElseThrow()));
            }
            for (int id : TOKENIZER.encode(reply)) {
                sink.accept(token(id));
            }
            sink.accept(new GenerationEvent.Finished(FinishReason.STOP, Optional.empty(), new Usage(1, 0, 1, 1, 1, 1)));
            return () -> {};
        }

        private static GenerationEvent token(int id) {
            return new GenerationEvent.Text("", id, Optional.empty());
        }

        @Override
        public void close() {}
    }

    private static Task task(String kind, String question, Expected expected) {
        return new Task(kind, Language.EN, new ChatRequest(List.of(new UserMessage(question))), "", expected);
    }

    private static Marks examine(List<Task> tasks, BiFunction<String, Long, String> replies)
            throws InterruptedException {
        try (Fake generator = new Fake(replies)) {
            return new Examination(generator, FORMAT, 100).run(tasks);
        }
    }

    @Test
    void marksByKindAndShowsWhatWasWrong() throws InterruptedException {
        List<Task> tasks = List.of(
                task("reading", "one", new Expected.Text("Lima.")),
                task("reading", "two", new Expected.Text("Rome.")),
                task("calls.one", "three", new Expected.Calls(List.of(new ToolCall("", "f", "{\"a\": 1}")))),
                task("story", "four", new Expected.Anything()));
        Marks marks = examine(
                tasks,
                (prompt, seed) ->
                        prompt.contains("three") ? "[{\"name\": \"f\", \"arguments\": {\"a\": 1}}]" : "Lima.");
        assertThat(marks.scores())
                .containsOnly(
                        org.assertj.core.api.Assertions.entry("reading", new Score(1, 2)),
                        org.assertj.core.api.Assertions.entry("calls.one", new Score(1, 1)));
        assertThat(marks.wrong().get("reading")).containsExactly("Lima.");
        assertThat(marks.votes().majority()).isEqualTo(new Score(0, 0));
    }

    @Test
    void theVoteIsRightWhereMostRepliesAre() throws InterruptedException {
        List<Task> tasks = List.of(
                task("arithmetic", "first", new Expected.Number(5)),
                task("arithmetic", "second", new Expected.Number(5)));
        // Of eight replies to the first, five are right, of those to the second three; the greedy ones are right.
        Marks marks = examine(tasks, (prompt, seed) -> {
            boolean right = seed % 8 < (prompt.contains("first") ? 5 : 3);
            return "2 + 3 = " + (right ? "5. Answer: 5" : "6. Answer: 6");
        });
        assertThat(marks.scores().get("arithmetic")).isEqualTo(new Score(2, 2));
        assertThat(marks.votes().passAt1()).isEqualTo(0.5);
        assertThat(marks.votes().majority()).isEqualTo(new Score(1, 2));
    }

    @Test
    void repliesWithoutANumberDoNotVote() throws InterruptedException {
        Marks marks = examine(
                List.of(task("arithmetic", "first", new Expected.Number(5))),
                (prompt, seed) -> seed == 3 ? "Answer: 5" : "I do not know.");
        assertThat(marks.votes().majority()).isEqualTo(new Score(1, 1));
        assertThat(marks.votes().passAt1()).isEqualTo(0.125);
    }
}
