package io.github.mixtral4j.generate;

import static io.github.mixtral4j.generate.FakeLoop.CONTEXT;
import static io.github.mixtral4j.generate.FakeLoop.prompt;
import static io.github.mixtral4j.generate.TestVocabulary.BOS;
import static io.github.mixtral4j.generate.TestVocabulary.EOS;
import static io.github.mixtral4j.generate.TestVocabulary.id;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// A request that begins as an earlier one did goes on from what the cache still holds.
@Timeout(20)
class PrefixReuseTest {
    private final FakeLoop loop = new FakeLoop();

    @AfterEach
    void close() {
        loop.close();
    }

    @Test
    void aConversationIsContinuedFromTheCache() throws InterruptedException {
        Completion first = loop.generator.generate(prompt(BOS, 70, 71, 72));
        int[] next = IntStream.concat(
                        IntStream.of(BOS, 70, 71, 72),
                        IntStream.concat(
                                first.tokens().stream().mapToInt(t -> t), IntStream.of(EOS, id("▁a"), id("th"))))
                .toArray();
        Completion second = loop.generator.generate(prompt(next));
        // All but the last token of the first completion were fed to the loop.model.
        assertThat(second.usage().cachedTokens()).isEqualTo(4 + 9);
        assertThat(second.usage().promptTokens()).isEqualTo(17);
        try (var fresh = FakeLoop.start(new FakeModel(CONTEXT), GeneratorOptions.of(CONTEXT))) {
            assertThat(second.tokens()).isEqualTo(fresh.generate(prompt(next)).tokens());
        }
    }

    @Test
    void reuseEqualsRecomputation() throws InterruptedException {
        var random = new Random(17);
        List<int[]> earlier = new ArrayList<>(List.of(new int[] {BOS}));
        int reused = 0;
        for (int i = 0; i < 40; i++) {
            int[] base = earlier.get(random.nextInt(earlier.size()));
            int[] prompt = IntStream.concat(
                            IntStream.of(base).limit(1 + random.nextInt(base.length)),
                            random.ints(random.nextInt(8), 3, TestVocabulary.SIZE))
                    .limit(CONTEXT - 12)
                    .toArray();
            Completion completion = loop.generator.generate(prompt(prompt));
            reused += completion.usage().cachedTokens();
            try (var fresh = FakeLoop.start(new FakeModel(CONTEXT), GeneratorOptions.of(CONTEXT))) {
                assertThat(completion.tokens())
                        .as("request %d", i)
                        .isEqualTo(fresh.generate(prompt(prompt)).tokens());
            }
            earlier.add(IntStream.concat(
                            IntStream.of(prompt), completion.tokens().stream().mapToInt(t -> t))
                    .toArray());
        }
        assertThat(reused).isGreaterThan(100);
    }
}
