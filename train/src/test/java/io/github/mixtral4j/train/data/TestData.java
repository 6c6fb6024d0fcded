package io.github.mixtral4j.train.data;

import io.github.mixtral4j.chat.ChatFormat;
import io.github.mixtral4j.testkit.TinyTokenizer;
import io.github.mixtral4j.tokenizer.SentencePieceModel;
import io.github.mixtral4j.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.stream.Collectors;

/// A small vocabulary of v3, and ways to look at samples.
final class TestData {
    static final Tokenizer TOKENIZER = Tokenizer.of(
            SentencePieceModel.parse("tiny.model", TinyTokenizer.v3(1500).sentencePieceModel()));
    static final ChatFormat V3 = ChatFormat.named("v3", TOKENIZER);

    private TestData() {}

    static SampleReader reader(int sequenceLength) {
        return new SampleReader(TOKENIZER, V3, sequenceLength, false, 0);
    }

    static SampleReader pairs(int sequenceLength) {
        return new SampleReader(TOKENIZER, V3, sequenceLength, true, 0);
    }

    /// The pieces of a sample; those that count in the loss are in `⟨⟩`.
    static String show(Sample sample) {
        StringBuilder text = new StringBuilder();
        boolean inside = false;
        for (int i = 0; i < sample.length(); i++) {
            boolean counts = sample.weights()[i] != 0;
            text.append(counts && !inside ? "⟨" : !counts && inside ? "⟩" : "")
                    .append(TOKENIZER.piece(sample.ids()[i]));
            inside = counts;
        }
        return text.append(inside ? "⟩" : "").toString();
    }

    static String tokens(Batch batch) {
        return Arrays.stream(batch.packed().tokens())
                .mapToObj(Integer::toString)
                .collect(Collectors.joining(" "));
    }
}
