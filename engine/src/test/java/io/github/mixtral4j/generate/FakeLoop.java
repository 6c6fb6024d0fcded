package io.github.mixtral4j.generate;

import static io.github.mixtral4j.generate.TestVocabulary.BOS;
import static io.github.mixtral4j.generate.TestVocabulary.EOS;
import static io.github.mixtral4j.generate.TestVocabulary.TOKENIZER;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.mixtral4j.sampling.SamplingParams;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/// The loop over a [FakeModel], four requests at a time, for one test. Closing it checks that it closes its model.
final class FakeLoop implements AutoCloseable {
    static final int CONTEXT = 64;
    static final GenerationRequest GREEDY =
            GenerationRequest.of(BOS).withSampling(SamplingParams.greedy()).withMaxTokens(10);

    final FakeModel model = new FakeModel(4 * CONTEXT);
    final LocalGenerator generator = start(
            model,
            GeneratorOptions.of(CONTEXT)
                    .withCacheTokens(4 * CONTEXT)
                    .withMaxBatchRows(16)
                    .withMaxRunning(4)
                    .withMaxWaiting(20));

    /// A loop with other options.
    static LocalGenerator start(FakeModel model, GeneratorOptions options) {
        return LocalGenerator.start(model, TOKENIZER::streamDecoder, Set.of(EOS), options);
    }

    /// What [FakeModel] says after a prompt.
    static List<Integer> continuation(int[] prompt, int length) {
        List<Integer> continuation = new ArrayList<>();
        int[] tokens = prompt;
        for (int i = 0; i < length; i++) {
            int next = FakeModel.hashed(tokens);
            continuation.add(next);
            tokens = IntStream.concat(IntStream.of(tokens), IntStream.of(next)).toArray();
        }
        return continuation;
    }

    /// [#GREEDY] after another prompt.
    static GenerationRequest prompt(int... ids) {
        return GenerationRequest.of(ids).withSampling(GREEDY.sampling()).withMaxTokens(GREEDY.maxTokens());
    }

    Collected submit(GenerationRequest request) {
        return Collected.submit(generator, request);
    }

    /// Lets all steps run that a test held back, and ends.
    @Override
    public void close() {
        model.steps.drainPermits();
        model.steps.release(1_000_000);
        generator.close();
        assertThat(model.closes()).isEqualTo(1);
    }
}
