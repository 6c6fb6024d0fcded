package io.github.mixtral4j.cli;

import io.github.mixtral4j.tokenizer.Vocabulary;
import io.github.mixtral4j.train.tokenizer.SentencePieceWriter;
import io.github.mixtral4j.train.tokenizer.TokenizerLayout;
import io.github.mixtral4j.train.tokenizer.TokenizerTraining;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `mixtral train-tokenizer`: text in, tokenizer.model out.
@Command(
        name = "train-tokenizer",
        customSynopsis = "mixtral train-tokenizer FILE... --vocab-size=N --output=tokenizer.model [OPTION]...",
        description = "Learns a tokenizer from text: SentencePiece's BPE with byte fallback, as Mistral's are, which"
                + " Google's sentencepiece reads too.",
        footer = {"", "Example: mixtral train-tokenizer corpus.txt --vocab-size 4096 --output tokenizer.model"})
final class TrainTokenizerCommand implements Callable<Integer> {
    private final Console console;

    @Parameters(arity = "1..*", paramLabel = "FILE", description = "Text in UTF-8.")
    private List<Path> files;

    @Option(
            names = "--vocab-size",
            required = true,
            paramLabel = "N",
            description = "Pieces in all: those of the layout, 15 runs of spaces, single characters, and merges.")
    private int vocabSize;

    @Option(names = "--output", required = true, paramLabel = "PATH", description = "The file to write.")
    private Path output;

    @Option(
            names = "--layout",
            paramLabel = "NAME",
            defaultValue = "v3",
            description =
                    "Pieces before those of text: v1 (259: marks and bytes) or v3 (1027: control pieces of the v3 chat"
                            + " format and bytes); default: v3.")
    private String layout;

    @Option(
            names = "--character-coverage",
            paramLabel = "X",
            defaultValue = "0.9995",
            description = "Share of the text's characters that get a piece of their own; bytes stand for the others"
                    + " (default: ${DEFAULT-VALUE}).")
    private double coverage;

    @Option(
            names = "--phrases",
            paramLabel = "FILE",
            description = "Texts that become a piece each although words and punctuation end in them, one a line, with"
                    + " ▁ for a space. Their merges come last, so other text keeps its pieces.")
    private Path phrases;

    TrainTokenizerCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() throws IOException {
        TokenizerTraining training = new TokenizerTraining(vocabSize, TokenizerLayout.of(layout), coverage);
        Path folder = output.toAbsolutePath().normalize().getParent();
        if (folder == null || !Files.isDirectory(folder)) {
            throw new CommandException(output + ": there is no folder " + folder);
        }
        if (Files.isDirectory(output)) {
            throw new CommandException(output + ": is a folder; name the file to write");
        }
        long bytes = 0;
        for (Path file : files) {
            if (file.toString().endsWith(".jsonl")) {
                throw new CommandException(
                        file + ": is JSON, whose keys and braces would become pieces; give the texts alone");
            }
            bytes += Files.size(file);
        }
        long start = System.nanoTime();
        Vocabulary vocabulary = training.learn(files, Optional.ofNullable(phrases));
        SentencePieceWriter.write(output, vocabulary);
        console.message(String.format(
                Locale.ROOT,
                "%s: %d pieces from %.1f MB of text in %.1f s",
                output,
                vocabulary.size(),
                bytes / 1e6,
                (System.nanoTime() - start) / 1e9));
        return Main.OK;
    }
}
