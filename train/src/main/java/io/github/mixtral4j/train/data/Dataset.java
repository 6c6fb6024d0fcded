package io.github.mixtral4j.train.data;

import io.github.mixtral4j.chat.ChatFormat;
import io.github.mixtral4j.tokenizer.Tokenizer;
import io.github.mixtral4j.train.TrainException;
import io.github.mixtral4j.train.data.SampleReader.Line;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/// Lines of several files, some to train on and some to evaluate on. Every line is read and checked once when
/// it is opened, so that a mistake in the last one is known before the first step; after that, lines are read
/// when they are needed. Keeps 24 bytes a line.
public final class Dataset implements AutoCloseable {
    /// What is read and how.
    ///
    /// @param sequenceLength longest sample, in tokens
    /// @param batchTokens most tokens of a batch
    /// @param pairs whether every line is a preference
    /// @param promptWeight weight of what the assistant does not say, in conversations to train on; in those to
    ///     evaluate on it has none
    /// @param seed of the order, and of the choice of lines to evaluate on
    public record Options(int sequenceLength, int batchTokens, boolean pairs, float promptWeight, long seed) {}

    /// A file to train on, and how many times an epoch goes through it.
    public record Source(Path file, int repeat) {}

    /// What was found.
    ///
    /// @param samples lines with something to learn
    /// @param tokens of these lines, without what was cut off
    /// @param trainedTokens of them, those that count in the loss
    /// @param cut lines that are longer than the longest sample and lost their end
    /// @param empty lines with nothing to learn, which are left out
    public record Summary(int samples, long tokens, long trainedTokens, int cut, int empty) {}

    private final List<JsonLines> files = new ArrayList<>();
    private final List<Integer> repeats = new ArrayList<>();
    private final SampleReader trainReader;
    private final SampleReader evalReader;
    private final Options options;
    /// Tokens of every line, all files after each other; 0 for lines that are left out.
    private int[] lengths = new int[0];
    private int[] train = new int[0];
    private int[] eval = new int[0];
    private final BitSet isEval = new BitSet();
    private Summary trainSummary = new Summary(0, 0, 0, 0, 0);
    private Summary evalSummary = new Summary(0, 0, 0, 0, 0);

    private Dataset(Tokenizer tokenizer, ChatFormat format, Options options) {
        int length = options.sequenceLength();
        trainReader = new SampleReader(tokenizer, format, length, options.pairs(), options.promptWeight());
        evalReader = new SampleReader(tokenizer, format, length, options.pairs(), 0);
        this.options = options;
    }

    /// Opens the files and reads every line of them once.
    ///
    /// @param eval files to evaluate on; if there are none, `evalFraction` of the lines is
    /// @throws TrainException if a line is not what it has to be, naming it; or if nothing is left to train
    ///     on
    /// @throws IOException if a file cannot be read
    public static Dataset open(
            List<Source> train,
            List<Path> eval,
            double evalFraction,
            Tokenizer tokenizer,
            ChatFormat format,
            Options options)
            throws IOException {
        Dataset dataset = new Dataset(tokenizer, format, options);
        try {
            for (Source source : train) {
                dataset.files.add(JsonLines.open(source.file()));
                dataset.repeats.add(source.repeat());
            }
            for (Path file : eval) {
                dataset.files.add(JsonLines.open(file));
                dataset.repeats.add(0);
            }
            dataset.readAll(evalFraction);
            if (dataset.trainSummary.trainedTokens() == 0) {
                throw new TrainException(train.getFirst().file() + ": no sample to train on"
                        + (train.size() > 1 ? ", nor in the other files" : ""));
            }
            if (!eval.isEmpty() && dataset.evalSummary.samples() == 0) {
                throw new TrainException(eval.getFirst() + ": no sample to evaluate on"
                        + (eval.size() > 1 ? ", nor in the other files" : ""));
            }
            return dataset;
        } catch (Throwable e) {
            dataset.close();
            throw e;
        }
    }

    private void readAll(double evalFraction) throws IOException {
        int lines = 0;
        for (JsonLines file : files) {
            lines = Math.addExact(lines, file.size());
        }
        lengths = new int[lines];
        drawEval(evalFraction);
        Split trained = new Split();
        Split evaluated = new Split();
        int line = 0;
        for (int f = 0; f < files.size(); f++) {
            for (int i = 0; i < files.get(f).size(); i++, line++) {
                Line read = reader(line).read(files.get(f).read(i), files.get(f).at(i));
                lengths[line] =
                        isEval.get(line) ? evaluated.add(line, read, 1) : trained.add(line, read, repeats.get(f));
            }
        }
        train = trained.lines.build().toArray();
        eval = evaluated.lines.build().toArray();
        trainSummary = trained.summary();
        evalSummary = evaluated.summary();
    }

    /// Says of every line whether it is to evaluate on. Of a fraction that draws none of few lines, the
    /// last is.
    private void drawEval(double evalFraction) {
        SplittableRandom random = new SplittableRandom(options.seed());
        int line = 0;
        for (int f = 0; f < files.size(); f++) {
            for (int i = 0; i < files.get(f).size(); i++, line++) {
                isEval.set(line, repeats.get(f) == 0 || random.nextDouble() < evalFraction);
            }
        }
        if (evalFraction > 0 && isEval.isEmpty() && lengths.length > 1) {
            isEval.set(lengths.length - 1);
        }
    }

    private SampleReader reader(int line) {
        return isEval.get(line) ? evalReader : trainReader;
    }

    /// What there is to train on.
    public Summary trainSummary() {
        return trainSummary;
    }

    /// What there is to evaluate on.
    public Summary evalSummary() {
        return evalSummary;
    }

    /// What the content of all files is recognized by, in their order.
    public long checksum() {
        return files.stream().mapToLong(JsonLines::checksum).reduce(0, (all, file) -> 31 * all + file);
    }

    /// Lines of all files; a line's number in the data set is below.
    public int lines() {
        return lengths.length;
    }

    /// Most tokens of a batch.
    int batchTokens() {
        return options.batchTokens();
    }

    /// Every line to train on once, repeated files more often, in an order that seed and epoch decide.
    int[] order(int epoch) {
        int[] order = train.clone();
        shuffle(order, new SplittableRandom(options.seed() + 0x9e3779b97f4a7c15L * (epoch + 1)));
        return order;
    }

    /// Lines to evaluate on, at most so many, always the same ones.
    int[] evalLines(int most) {
        int[] lines = eval.clone();
        if (lines.length > most) {
            shuffle(lines, new SplittableRandom(options.seed()));
            lines = Arrays.copyOf(lines, most);
            Arrays.sort(lines);
        }
        return lines;
    }

    /// Every line that anything can be asked of, to train or to evaluate on, once each.
    int[] usedLines() {
        return IntStream.range(0, lengths.length)
                .filter(line -> lengths[line] > 0)
                .toArray();
    }

    private static void shuffle(int[] lines, SplittableRandom random) {
        for (int i = lines.length - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            int line = lines[i];
            lines[i] = lines[j];
            lines[j] = line;
        }
    }

    /// Units of a line, without reading it.
    int units(int line) {
        return options.pairs() ? 1 : (lengths[line] + options.sequenceLength() - 1) / options.sequenceLength();
    }

    /// Tokens of a unit of a line, without reading it.
    int unitTokens(int line, int unit) {
        return options.pairs()
                ? lengths[line]
                : Math.min(options.sequenceLength(), lengths[line] - unit * options.sequenceLength());
    }

    /// The units of a line.
    List<List<Sample>> read(int line) throws IOException {
        int file = 0;
        int first = 0;
        while (line >= first + files.get(file).size()) {
            first += files.get(file++).size();
        }
        JsonLines lines = files.get(file);
        List<List<Sample>> units = reader(line)
                .read(lines.read(line - first), lines.at(line - first))
                .units();
        if (tokens(units) != lengths[line]) {
            throw new TrainException(lines.at(line - first) + ": the file was changed while it was in use");
        }
        return units;
    }

    private static int tokens(List<List<Sample>> units) {
        return units.stream().flatMap(List::stream).mapToInt(Sample::length).sum();
    }

    @Override
    public void close() throws IOException {
        for (JsonLines file : files) {
            file.close();
        }
    }

    /// One side of the split while it is gathered.
    private static final class Split {
        private final IntStream.Builder lines = IntStream.builder();
        private int samples;
        private long tokens;
        private long trained;
        private int cut;
        private int empty;

        /// @return the tokens of the line
        int add(int line, Line read, int repeat) {
            int count = tokens(read.units());
            cut += read.cut() ? 1 : 0;
            if (count == 0) {
                empty++;
                return 0;
            }
            for (int i = 0; i < repeat; i++) {
                lines.add(line);
            }
            samples++;
            tokens += count;
            trained += read.units().stream()
                    .flatMap(List::stream)
                    .mapToInt(Sample::trained)
                    .sum();
            return count;
        }

        Summary summary() {
            return new Summary(samples, tokens, trained, cut, empty);
        }
    }
}
