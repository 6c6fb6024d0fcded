package io.github.mixtral4j.train.data;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/// Batches of a [Dataset], epoch after epoch: units in their order go into a batch until the next would not
/// fit. Where it stands is three numbers, and a stream that starts from them gives the same batches again.
public final class BatchStream {
    /// The next unit to be given out.
    ///
    /// @param epoch from 0
    /// @param index how many lines of the epoch have been given out
    /// @param unit how many units of the line have been
    public record Position(int epoch, int index, int unit) {
        /// Before the first.
        public static final Position START = new Position(0, 0, 0);
    }

    private final Dataset data;
    private final int epochs;
    private int epoch;
    private int index;
    private int unit;
    private int[] order;
    private int readLine = -1;
    private List<List<Sample>> readUnits = List.of();

    private BatchStream(Dataset data, int epochs, Position position, int[] order) {
        this.data = data;
        this.epochs = epochs;
        this.epoch = position.epoch();
        this.index = position.index();
        this.unit = position.unit();
        this.order = order;
    }

    /// The samples to train on, in a new order in every epoch.
    ///
    /// @param epochs after which the stream ends
    public static BatchStream train(Dataset data, int epochs, Position position) {
        return new BatchStream(data, epochs, position, data.order(position.epoch()));
    }

    /// The samples to evaluate on, once, always the same.
    ///
    /// @param most samples at most
    public static BatchStream eval(Dataset data, int most) {
        return new BatchStream(data, 1, Position.START, data.evalLines(most));
    }

    /// All samples of both kinds, once.
    public static BatchStream all(Dataset data) {
        return new BatchStream(data, 1, Position.START, data.usedLines());
    }

    /// Where the stream stands.
    public Position position() {
        return new Position(epoch, index, unit);
    }

    /// Share of the current epoch that has been given out, plus the epochs before it.
    public double epochs() {
        return epoch + (order.length == 0 ? 0 : (double) index / order.length);
    }

    /// The next batch, or empty after the last epoch.
    ///
    /// @throws io.github.mixtral4j.train.TrainException if a file has been changed
    public Optional<Batch> next() throws IOException {
        List<List<Sample>> units = new ArrayList<>();
        IntStream.Builder lines = IntStream.builder();
        int tokens = 0;
        while (advance() && fits(tokens)) {
            int line = order[index];
            tokens += data.unitTokens(line, unit);
            units.add(units(line).get(unit++));
            lines.add(line);
        }
        return units.isEmpty()
                ? Optional.empty()
                : Optional.of(Batch.of(units, lines.build().toArray()));
    }

    /// Counts the batches from here to the end without reading them, and ends the stream.
    public int count() {
        int batches = 0;
        while (advance()) {
            batches = Math.incrementExact(batches);
            int tokens = 0;
            while (advance() && fits(tokens)) {
                tokens += data.unitTokens(order[index], unit++);
            }
        }
        return batches;
    }

    private boolean fits(int tokens) {
        return tokens == 0 || tokens + data.unitTokens(order[index], unit) <= data.batchTokens();
    }

    /// Goes to a unit that exists: of the next line, or of the next epoch.
    ///
    /// @return whether there is one
    private boolean advance() {
        while (epoch < epochs) {
            if (index == order.length) {
                epoch++;
                index = 0;
                order = epoch < epochs ? data.order(epoch) : order;
            } else if (unit == data.units(order[index])) {
                index++;
                unit = 0;
            } else {
                return true;
            }
        }
        return false;
    }

    private List<List<Sample>> units(int line) throws IOException {
        if (line != readLine) {
            readUnits = data.read(line);
            readLine = line;
        }
        return readUnits;
    }
}
