package io.github.mixtral4j.nano.data;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.zip.CRC32;

/// Which side of the fence something is on. What is held out is never trained on, and evaluation uses nothing else.
///
/// The side follows from the thing itself (a checksum of its name), so that every generator, corpus and vocabulary
/// draws the same line without knowing of the others.
public enum Split {
    /// For training.
    TRAIN,
    /// For evaluation.
    HELD_OUT;

    /// The side of something, one in `period` being held out.
    static Split of(String thing, int period) {
        CRC32 checksum = new CRC32();
        checksum.update(thing.getBytes(StandardCharsets.UTF_8));
        return checksum.getValue() % period == 0 ? HELD_OUT : TRAIN;
    }

    /// Those on this side, in their order.
    List<String> of(List<String> things, int period) {
        return things.stream().filter(thing -> of(thing, period) == this).toList();
    }
}
