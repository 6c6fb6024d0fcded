package io.github.mixtral4j.generate;

import static io.github.mixtral4j.generate.FakeLoop.CONTEXT;
import static io.github.mixtral4j.generate.FakeLoop.GREEDY;
import static io.github.mixtral4j.generate.FakeLoop.prompt;
import static io.github.mixtral4j.generate.TestVocabulary.EOS;
import static io.github.mixtral4j.generate.TestVocabulary.id;
import static io.github.mixtral4j.generate.TestVocabulary.ids;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.mixtral4j.generate.GenerationEvent.Text;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Where a completion ends by itself, and what its text is then.
@Timeout(20)
class CompletionEndTest {
    private final FakeLoop loop = new FakeLoop();

    @AfterEach
    void close() {
        loop.close();
    }

    @Test
    void endsAtEndOfText() throws InterruptedException {
        loop.model.next = FakeModel.script(1, id("th"), id("e"), EOS);
        Completion completion = loop.generator.generate(GREEDY);
        assertThat(completion.text()).isEqualTo("the");
        assertThat(completion.tokens()).containsExactly(id("th"), id("e"), EOS);
        assertThat(completion.reason()).isEqualTo(FinishReason.STOP);
        assertThat(completion.stopString()).isEmpty();
    }

    @Test
    void ignoringEndOfTextNeverSamplesIt() throws InterruptedException {
        loop.model.next = tokens -> EOS;
        Completion completion = loop.generator.generate(GREEDY.withIgnoreEos(true));
        assertThat(completion.tokens()).hasSize(10).doesNotContain(EOS);
        assertThat(completion.reason()).isEqualTo(FinishReason.LENGTH);
    }

    @Test
    void endsAtAStopToken() throws InterruptedException {
        loop.model.next = FakeModel.script(1, id("th"), id(":"), id("e"));
        Completion completion = loop.generator.generate(GREEDY.withStopTokens(Set.of(id(":"))));
        assertThat(completion.text()).isEqualTo("th");
        assertThat(completion.tokens()).containsExactly(id("th"), id(":"));
        assertThat(completion.reason()).isEqualTo(FinishReason.STOP);
    }

    @Test
    void endsAtAStopStringAcrossTokensWithoutShowingIt() throws InterruptedException {
        loop.model.next = FakeModel.script(1, ids("▁the", "\n", "\n", "a", "\n\n", "User", ":", "x"));
        List<String> deltas = new ArrayList<>();
        Completion completion = loop.generator.generate(GREEDY.withStopStrings(List.of("\n\nUser:", "zzz")), event -> {
            if (event instanceof Text text) {
                deltas.add(text.delta());
            }
        });
        assertThat(deltas).containsExactly("the", "", "", "\n\na", "", "", "");
        assertThat(completion.text()).isEqualTo("the\n\na");
        assertThat(completion.reason()).isEqualTo(FinishReason.STOP);
        assertThat(completion.stopString()).contains("\n\nUser:");
    }

    @Test
    void theLastTokenBringsWhatWasHeldBack() throws InterruptedException {
        loop.model.next = FakeModel.script(1, ids("a", "\n\n", "U"));
        GenerationRequest request = GREEDY.withStopStrings(List.of("\n\nUser:"));
        assertThat(loop.generator.generate(request.withMaxTokens(3)).text()).isEqualTo("a\n\nU");
        loop.model.next = FakeModel.script(1, id("a"), id("\n\n"), EOS);
        assertThat(loop.generator.generate(request).text()).isEqualTo("a\n\n");
    }

    @Test
    void endsWhenTheContextIsFull() throws InterruptedException {
        Completion completion =
                loop.generator.generate(prompt(new int[CONTEXT - 5]).withMaxTokens(Integer.MAX_VALUE));
        assertThat(completion.tokens()).hasSize(5);
        assertThat(completion.reason()).isEqualTo(FinishReason.MODEL_LENGTH);
    }
}
