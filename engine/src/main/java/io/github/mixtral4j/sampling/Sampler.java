package io.github.mixtral4j.sampling;

import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/// Chooses the next token: runs a chain of [LogitsProcessor]s, then draws one of the candidates that are left.
///
/// One sampler serves one text: it keeps the state of its processors and of its random numbers. Not for use by
/// several threads at a time.
/// ```java
/// Sampler sampler = Sampler.of(SamplingParams.defaults());
/// for (int id : prompt) sampler.accept(id);
/// int token = sampler.sample(candidates.load(logits));
/// sampler.accept(token);
/// ```
public final class Sampler {
    private final List<LogitsProcessor> processors;
    private long state;

    /// A sampler with a chain of one's own, as [SamplingParams#processors()] with additions.
    ///
    /// @param processors in the order in which they run; their state belongs to this sampler
    public Sampler(List<LogitsProcessor> processors, long seed) {
        this.processors = List.copyOf(processors);
        this.state = seed;
    }

    /// A sampler that follows the parameters; without a seed it draws one.
    public static Sampler of(SamplingParams params) {
        return new Sampler(
                params.processors(),
                params.seed().orElseGet(() -> ThreadLocalRandom.current().nextLong()));
    }

    /// Chooses a token. Uses up the candidates and does not yet [#accept(int)] the choice.
    ///
    /// @throws IllegalArgumentException if the rules leave no token
    public int sample(Candidates candidates) {
        requireAny(candidates);
        for (LogitsProcessor processor : processors) {
            processor.process(candidates);
            requireAny(candidates);
        }
        return candidates.count() == 1 ? candidates.id(0) : draw(candidates);
    }

    /// Tells the processors of a token of the text: each of the prompt, then each that was chosen.
    public void accept(int token) {
        for (LogitsProcessor processor : processors) {
            processor.accept(token);
        }
    }

    /// An independent copy: both go on alike when they are given the same.
    public Sampler fork() {
        return new Sampler(processors.stream().map(LogitsProcessor::fork).toList(), state);
    }

    private int draw(Candidates candidates) {
        double[] probabilities = candidates.probabilities();
        double rest = nextDouble();
        int choice = candidates.best();
        for (int i = 0; i < candidates.count(); i++) {
            rest -= probabilities[i];
            if (rest < 0) {
                choice = i;
                break;
            }
        }
        // Without a break, rounding made the probabilities add up to a little less than 1: the best one stays.
        return candidates.id(choice);
    }

    /// A number in [0, 1), by SplitMix64: its definition is fixed for all times, so seeds mean the same everywhere.
    ///
    /// Source: Steele, Lea, Flood 2014, "Fast Splittable Pseudorandom Number Generators", figure 14.
    private double nextDouble() {
        state += 0x9E3779B97F4A7C15L;
        long z = state;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return ((z ^ (z >>> 31)) >>> 11) * 0x1p-53;
    }

    private static void requireAny(Candidates candidates) {
        if (candidates.count() == 0) {
            throw new IllegalArgumentException(
                    "no token is left to choose from: logitBias and masks ban the whole vocabulary");
        }
    }
}
