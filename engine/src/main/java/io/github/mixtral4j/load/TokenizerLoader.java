package io.github.mixtral4j.load;

import io.github.mixtral4j.checkpoint.Checkpoint;
import io.github.mixtral4j.checkpoint.CheckpointException;
import io.github.mixtral4j.checkpoint.GgufCheckpoint;
import io.github.mixtral4j.checkpoint.GgufMetadata;
import io.github.mixtral4j.checkpoint.Names;
import io.github.mixtral4j.checkpoint.SafetensorsCheckpoint;
import io.github.mixtral4j.tokenizer.Tokenizer;
import io.github.mixtral4j.tokenizer.TokenizerException;
import io.github.mixtral4j.tokenizer.Vocabulary;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// Finds the tokenizer a path stands for: a tokenizer file, a GGUF file with one in its metadata, or a model folder.
public final class TokenizerLoader {
    private static final byte[] GGUF_MAGIC = "GGUF".getBytes(StandardCharsets.US_ASCII);

    /// `tokenizer.model.v3`, `mistral_instruct_tokenizer_240323.model.v3`.
    private static final Pattern VERSIONED = Pattern.compile(".*\\.model(\\.v\\d+)?");

    private static final String JSON = "tokenizer.json";
    private static final String KEYS = "tokenizer.ggml.";

    private TokenizerLoader() {}

    /// Reads the tokenizer of a file or folder.
    ///
    /// In a folder, SentencePiece's `tokenizer.model` comes before versioned ones (`*.model.v3`), these before
    /// `tokenizer.json`, and a GGUF file last. A file of weights or a config stands for its folder.
    ///
    /// @throws CheckpointException if there is none, or the choice is not clear
    /// @throws io.github.mixtral4j.tokenizer.TokenizerException if it is not one that can be used
    /// @throws IOException if a file cannot be read
    public static Tokenizer open(Path path) throws IOException {
        if (!Files.exists(path)) {
            throw new NoSuchFileException(path.toString(), null, "no such file or folder");
        }
        if (Files.isDirectory(path)) {
            return inFolder(path);
        }
        if (!Files.isRegularFile(path)) {
            throw new CheckpointException(path + ": not a regular file");
        }
        if (isGguf(path)) {
            return inModel(path);
        }
        String name = path.getFileName().toString();
        boolean ofModel = name.endsWith(".safetensors")
                || name.endsWith(".safetensors.index.json")
                || name.equals("config.json")
                || name.equals("params.json");
        return ofModel ? inFolder(path.toAbsolutePath().resolveSibling("")) : Tokenizer.read(path);
    }

    /// The tokenizer that comes with an opened model, or empty.
    ///
    /// Fine-tunes add pieces to `tokenizer.json` and leave `tokenizer.model` as it was: where the latter
    /// has fewer than the model's vocabulary, and the former has these and more, the former counts.
    static Optional<Tokenizer> of(Checkpoint checkpoint, int vocabSize) throws IOException {
        Optional<Tokenizer> tokenizer = of(checkpoint);
        if (tokenizer.isPresent()
                && tokenizer.get().vocabSize() < vocabSize
                && checkpoint instanceof SafetensorsCheckpoint safetensors) {
            Path json = safetensors.path().resolve(JSON);
            if (Files.isRegularFile(json)) {
                return Optional.of(withAddedPieces(tokenizer.get(), json, vocabSize));
            }
        }
        return tokenizer;
    }

    /// The tokenizer of a file if it has all pieces of another, and more, but at most `vocabSize`; else
    /// the other.
    private static Tokenizer withAddedPieces(Tokenizer tokenizer, Path json, int vocabSize) throws IOException {
        Tokenizer wider;
        try {
            wider = Tokenizer.read(json);
        } catch (TokenizerException e) {
            return tokenizer; // which can be used, unlike this file
        }
        boolean extended = wider.vocabSize() > tokenizer.vocabSize()
                && wider.vocabSize() <= vocabSize
                && IntStream.range(0, tokenizer.vocabSize())
                        .allMatch(id -> wider.piece(id).equals(tokenizer.piece(id)));
        return extended ? wider : tokenizer;
    }

    private static Optional<Tokenizer> of(Checkpoint checkpoint) throws IOException {
        return switch (checkpoint) {
            case GgufCheckpoint gguf -> ofMetadata(gguf);
            case SafetensorsCheckpoint safetensors -> {
                Optional<Path> file = fileIn(safetensors.path());
                yield file.isPresent() ? Optional.of(Tokenizer.read(file.get())) : Optional.empty();
            }
        };
    }

    private static Tokenizer inFolder(Path folder) throws IOException {
        Optional<Path> file = fileIn(folder);
        if (file.isPresent()) {
            return Tokenizer.read(file.get());
        }
        if (list(folder).stream().noneMatch(path -> path.toString().endsWith(".gguf"))) {
            throw new CheckpointException(
                    folder + ": no tokenizer found; expected tokenizer.model, tokenizer.model.v3, "
                            + "tokenizer.json or a .gguf file");
        }
        return inModel(folder);
    }

    private static Tokenizer inModel(Path path) throws IOException {
        try (Checkpoint checkpoint = Checkpoint.open(path)) {
            return of(checkpoint)
                    .orElseThrow(() -> new CheckpointException(
                            checkpoint.name() + ": no tokenizer in its metadata (" + KEYS + "model is missing)"));
        }
    }

    /// The tokenizer file of a folder, SentencePiece's before the converted one.
    private static Optional<Path> fileIn(Path folder) throws IOException {
        List<Path> files = list(folder);
        Optional<Path> plain = named(files, "tokenizer.model");
        List<Path> versioned = files.stream()
                .filter(path -> VERSIONED.matcher(path.getFileName().toString()).matches())
                .toList();
        if (plain.isEmpty() && versioned.size() > 1) {
            throw new CheckpointException(folder + ": holds " + versioned.size() + " tokenizers; name one of "
                    + String.join(
                            ", ",
                            versioned.stream()
                                    .map(path -> path.getFileName().toString())
                                    .toList()));
        }
        return plain.or(() -> versioned.stream().findFirst()).or(() -> named(files, JSON));
    }

    private static Optional<Path> named(List<Path> files, String name) {
        return files.stream().filter(path -> path.endsWith(name)).findFirst();
    }

    private static List<Path> list(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(Files::isRegularFile).sorted().toList();
        }
    }

    private static boolean isGguf(Path path) throws IOException {
        try (InputStream in = Files.newInputStream(path)) {
            return Arrays.equals(in.readNBytes(GGUF_MAGIC.length), GGUF_MAGIC);
        }
    }

    /// The `tokenizer.ggml.*` keys, or empty if there are none.
    private static Optional<Tokenizer> ofMetadata(GgufCheckpoint checkpoint) {
        GgufMetadata metadata = checkpoint.metadata();
        if (!metadata.has(KEYS + "model")) {
            return Optional.empty();
        }
        String model = metadata.text(KEYS + "model");
        if (!model.equals("llama")) {
            throw new CheckpointException(checkpoint.name() + ": " + KEYS + "model is " + Names.quote(model)
                    + "; this engine reads \"llama\" (SentencePiece BPE)");
        }
        List<Double> scores = metadata.reals(KEYS + "scores");
        float[] floats = new float[scores.size()];
        for (int id = 0; id < floats.length; id++) {
            floats[id] = scores.get(id).floatValue();
        }
        return Optional.of(Tokenizer.of(Vocabulary.ofGguf(
                checkpoint.name(),
                metadata.texts(KEYS + "tokens").toArray(String[]::new),
                floats,
                metadata.integers(KEYS + "token_type").stream()
                        .mapToInt(TokenizerLoader::toInt)
                        .toArray(),
                id(metadata, "bos_token_id", 1),
                id(metadata, "eos_token_id", 2),
                id(metadata, "unknown_token_id", 0),
                !metadata.has(KEYS + "add_space_prefix") || metadata.bool(KEYS + "add_space_prefix"))));
    }

    private static int id(GgufMetadata metadata, String key, int absent) {
        return metadata.has(KEYS + key) ? toInt(metadata.integer(KEYS + key)) : absent;
    }

    /// Values beyond an `int` become -1, which no vocabulary accepts; GGUF's "none" is 2^32 - 1.
    static int toInt(long value) {
        return value == (int) value ? (int) value : -1;
    }
}
