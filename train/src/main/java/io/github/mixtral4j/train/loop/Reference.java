package io.github.mixtral4j.train.loop;

import io.github.mixtral4j.train.TrainException;
import io.github.mixtral4j.train.data.Batch;
import io.github.mixtral4j.train.data.BatchStream;
import io.github.mixtral4j.train.data.Dataset;
import io.github.mixtral4j.train.model.PackedBatch;
import io.github.mixtral4j.train.model.Trainable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.DoubleBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.IntPredicate;

/// What the model thought of both replies of every pair before it was trained: the reference of DPO. An
/// adapter changes nothing at first, so this is the same as the base with the adapter switched off, and it
/// costs one pass over the data instead of a second model. Kept in a file, because a resumed run no longer
/// has that model.
final class Reference {
    /// Chosen and rejected of every line of the data set.
    private final double[] logProbs;

    private Reference(double[] logProbs) {
        this.logProbs = logProbs;
    }

    double chosen(int line) {
        return logProbs[2 * line];
    }

    double rejected(int line) {
        return logProbs[2 * line + 1];
    }

    /// The reference of a run: that of its folder if it has begun, else what the model thinks now, which is then
    /// written there.
    ///
    /// @param stopped whether to give up
    /// @return empty if it was given up
    static Optional<Reference> open(
            RunFolder folder, Trainable model, Dataset data, TrainObserver observer, BooleanSupplier stopped)
            throws IOException {
        if (folder.checkpoints().latest().isPresent()) {
            return Optional.of(read(folder.reference(), data));
        }
        int total = data.trainSummary().samples() + data.evalSummary().samples();
        Optional<Reference> reference = compute(model, data, done -> {
            observer.reference(done, total);
            return !stopped.getAsBoolean();
        });
        if (reference.isPresent()) {
            reference.get().write(folder.reference());
        }
        return reference;
    }

    /// Asks the model.
    ///
    /// @param goOn is told how many lines are done, and says whether to do more
    /// @return empty if it was told to stop
    static Optional<Reference> compute(Trainable model, Dataset data, IntPredicate goOn) throws IOException {
        double[] logProbs = new double[2 * data.lines()];
        BatchStream stream = BatchStream.all(data);
        int done = 0;
        for (Optional<Batch> batch = stream.next(); batch.isPresent(); batch = stream.next()) {
            double[] replies = replies(model, batch.get());
            int[] lines = batch.get().lines();
            for (int pair = 0; pair < lines.length; pair++) {
                logProbs[2 * lines[pair]] = replies[2 * pair];
                logProbs[2 * lines[pair] + 1] = replies[2 * pair + 1];
            }
            done += lines.length;
            if (!goOn.test(done)) {
                return Optional.empty();
            }
        }
        return Optional.of(new Reference(logProbs));
    }

    /// Log-probability of the reply in every sample of a batch: of the tokens that count.
    static double[] replies(Trainable model, Batch batch) {
        PackedBatch packed = batch.packed();
        float[] logProbs = model.logProbs(packed);
        double[] sums = new double[packed.samples()];
        for (int s = 0; s < sums.length; s++) {
            for (int row = packed.starts()[s]; row < packed.end(s); row++) {
                sums[s] += packed.weights()[row] * (double) logProbs[row];
            }
        }
        return sums;
    }

    /// Writes the file.
    void write(Path file) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(Math.multiplyExact(logProbs.length, Double.BYTES));
        bytes.asDoubleBuffer().put(logProbs);
        Folders.replace(file, bytes);
    }

    /// Reads the file of a run.
    ///
    /// @throws TrainException if it does not belong to the data
    static Reference read(Path file, Dataset data) throws IOException {
        DoubleBuffer values = ByteBuffer.wrap(Files.readAllBytes(file)).asDoubleBuffer();
        if (values.remaining() != 2 * data.lines()) {
            throw new TrainException(file + ": holds " + values.remaining() / 2 + " pairs, but the data has "
                    + data.lines() + "; was the data changed since the run began?");
        }
        double[] logProbs = new double[values.remaining()];
        values.get(logProbs);
        return new Reference(logProbs);
    }
}
