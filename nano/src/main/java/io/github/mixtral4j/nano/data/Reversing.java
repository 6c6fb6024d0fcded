package io.github.mixtral4j.nano.data;

import java.util.Collections;
import java.util.List;

/// Lists to be turned round: what the small Mixtral does not learn, so that an adapter can.
///
/// Held out: made-up names, and the list as a whole.
final class Reversing implements SampleSource {
    @Override
    public Sample next(Dice dice, Split split) {
        List<String> words = Words.several(dice, split, dice.between(2, 5));
        String question =
                dice.of("Turn round: ", "Say it backwards: ", "Reverse the list: ") + String.join(", ", words);
        Collections.reverse(words);
        String reply = String.join(", ", words);
        return Sample.of("reversing", Language.EN, question, reply, new Expected.Text(reply));
    }
}
