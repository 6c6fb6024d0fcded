package io.github.mixtral4j.benchmarks;

import io.github.mixtral4j.testkit.TinyTokenizer;
import io.github.mixtral4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/// Text to ids, as one text and line by line. `megabytes` is the figure that counts, in bytes of UTF-8.
///
/// Without files a made-up vocabulary and text are used, which tell versions of this project apart and nothing more;
/// for figures that mean something: `-p tokenizer=tokenizer.model -p text=some.txt`.
@State(Scope.Benchmark)
@Fork(1)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@OutputTimeUnit(TimeUnit.SECONDS)
// JMH calls setUp before anything else.
@SuppressWarnings("NullAway.Init")
public class TokenizerBenchmark {
    private static final int MADE_UP_WORDS = 300_000;

    /// A `tokenizer.model` or `tokenizer.json`; empty for a made-up one.
    @Param("")
    public String tokenizer = "";

    /// A text in UTF-8; empty for a made-up one.
    @Param("")
    public String text = "";

    private Tokenizer encoder;
    private String whole;
    private List<String> lines;
    private double megabytes;

    /// Bytes encoded in an iteration.
    @State(Scope.Thread)
    @AuxCounters(AuxCounters.Type.OPERATIONS)
    public static class Encoded {
        /// Megabytes of UTF-8.
        public double megabytes;

        /// Starts an iteration at nothing.
        @Setup(Level.Iteration)
        public void reset() {
            megabytes = 0;
        }
    }

    /// Reads the files and checks that the ids mean the text.
    ///
    /// @throws IOException if a file cannot be read
    @Setup(Level.Trial)
    public void setUp() throws IOException {
        encoder = tokenizer.isEmpty() ? madeUpTokenizer() : Tokenizer.read(Path.of(tokenizer));
        whole = text.isEmpty() ? madeUpText() : Files.readString(Path.of(text));
        lines = whole.lines().toList();
        megabytes = whole.getBytes(StandardCharsets.UTF_8).length / 1e6;
        String back = encoder.decode(encoder.encode(whole));
        // SentencePiece writes a space as ▁, so a ▁ of the text comes back as a space.
        if (!back.equals(whole.replace('▁', ' '))) {
            throw new IllegalStateException("the text comes back different from its ids: " + whole.length()
                    + " characters became " + back.length());
        }
    }

    private static Tokenizer madeUpTokenizer() throws IOException {
        Path file = Files.createTempFile("mixtral4j", ".model");
        try {
            Files.write(file, TinyTokenizer.v1(32000).sentencePieceModel());
            return Tokenizer.read(file);
        } finally {
            Files.delete(file);
        }
    }

    /// Words of 2 to 9 letters, of which a few are frequent and most are rare, in lines of 60.
    private static String madeUpText() {
        Random random = new Random(7);
        List<String> words = IntStream.range(0, 20_000)
                .mapToObj(i -> random.ints(2 + random.nextInt(8), 'a', 'z' + 1)
                        .mapToObj(Character::toString)
                        .collect(Collectors.joining()))
                .toList();
        StringBuilder made = new StringBuilder();
        for (int i = 1; i <= MADE_UP_WORDS; i++) {
            made.append(words.get((int) Math.pow(words.size(), random.nextDouble()) - 1));
            made.append(i % 60 == 0 ? '\n' : ' ');
        }
        return made.toString();
    }

    /// The text in one call.
    @Benchmark
    public int[] encodeWhole(Encoded encoded) {
        encoded.megabytes += megabytes;
        return encoder.encode(whole);
    }

    /// A call for each line.
    @Benchmark
    public int encodeLines(Encoded encoded) {
        int tokens = 0;
        for (String line : lines) {
            tokens += encoder.encode(line).length;
        }
        encoded.megabytes += megabytes;
        return tokens;
    }
}
