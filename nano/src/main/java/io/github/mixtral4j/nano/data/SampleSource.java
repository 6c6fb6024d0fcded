package io.github.mixtral4j.nano.data;

/// Makes samples of one kind.
interface SampleSource {
    /// One in this many keys is held out.
    int PERIOD = 20;

    /// A sample, filled with names of that side.
    Sample next(Dice dice, Split split);

    /// The next sample whose key is on that side, too.
    default Sample draw(Dice dice, Split split) {
        while (true) {
            Sample sample = next(dice, split);
            Split side = sample.key().isEmpty() ? Split.TRAIN : Split.of(sample.key(), PERIOD);
            if (side == split) {
                return sample;
            }
        }
    }
}
