package io.github.mixtral4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// train-tokenizer, and what tokenize makes of its file.
final class TrainTokenizerCommandTest {
    @TempDir
    Path folder;

    private Cli train(String... options) throws IOException {
        Path text = Files.writeString(folder.resolve("text.txt"), "the cat and the other cat, the end\n".repeat(20));
        String[] command = {
            "train-tokenizer",
            text.toString(),
            "--output",
            folder.resolve("t.model").toString()
        };
        String[] all = Arrays.copyOf(command, command.length + options.length);
        System.arraycopy(options, 0, all, command.length, options.length);
        return Cli.run(all);
    }

    @Test
    void aTrainedTokenizerEncodesAndDecodes() throws IOException {
        Cli trained = train("--vocab-size", "1065");
        assertThat(trained.code()).as(trained.err()).isEqualTo(0);
        assertThat(trained.out()).isEmpty();
        assertThat(trained.err()).matches(".*t\\.model: 1065 pieces from 0\\.0 MB of text in \\d+\\.\\d s\n");
        String model = folder.resolve("t.model").toString();
        String ids = Cli.run("tokenize", "--tokenizer", model, "the cat").out();
        assertThat(Json.MAPPER.readTree(ids).size()).isLessThan(7);
        assertThat(Cli.run("tokenize", "--tokenizer", model, "--decode", ids).out())
                .isEqualTo("the cat\n");
    }

    @Test
    void aPhraseIsOnePiece() throws IOException {
        Path phrases = Files.writeString(folder.resolve("phrases.txt"), "▁the cat and\n");
        Cli trained = train("--vocab-size", "1065", "--phrases", phrases.toString());
        assertThat(trained.code()).as(trained.err()).isEqualTo(0);
        String model = folder.resolve("t.model").toString();
        String ids = Cli.run("tokenize", "--tokenizer", model, "the cat and").out();
        assertThat(Json.MAPPER.readTree(ids).size()).isEqualTo(1);
    }

    @Test
    void mistakesAreSaidInOneSentence() throws IOException {
        assertThat(train("--vocab-size", "300"))
                .isEqualTo(new Cli(
                        2,
                        "",
                        "mixtral train-tokenizer: a vocabulary of layout V3 has 1043 to 1048576 pieces, got 300\n"));
        assertThat(train("--vocab-size", "300", "--layout", "v9"))
                .isEqualTo(new Cli(2, "", "mixtral train-tokenizer: --layout must be v1 or v3, got v9\n"));
        assertThat(Cli.run("train-tokenizer", "absent.txt", "--vocab-size", "300", "--layout=v1", "--output=x.model"))
                .isEqualTo(new Cli(1, "", "mixtral train-tokenizer: absent.txt: no such file or folder\n"));
        assertThat(Cli.run("train-tokenizer", "a.jsonl", "--vocab-size", "1065", "--output=x.model"))
                .isEqualTo(new Cli(
                        1,
                        "",
                        "mixtral train-tokenizer: a.jsonl: is JSON, whose keys and braces would become pieces; give the"
                                + " texts alone\n"));
        assertThat(train("--vocab-size", "1065", "--phrases", "absent.txt"))
                .isEqualTo(new Cli(1, "", "mixtral train-tokenizer: absent.txt: no such file or folder\n"));
        assertThat(folder.resolve("t.model")).doesNotExist();
    }
}
