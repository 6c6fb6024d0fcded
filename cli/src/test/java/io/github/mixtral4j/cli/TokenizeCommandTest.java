package io.github.mixtral4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class TokenizeCommandTest {
    private static String tokenizer() {
        return Project.fixture("conformance/tokenizer.model.v1").toString();
    }

    @Test
    void textMayBeginWithAnAt() {
        Cli argument = Cli.run("tokenize", "--tokenizer", tokenizer(), "@@ -1,3");
        assertThat(argument).isEqualTo(Cli.withInput("@@ -1,3", "tokenize", "--tokenizer", tokenizer()));
    }

    @Test
    void encodesAnArgument() {
        assertThat(Cli.run("tokenize", "--tokenizer", tokenizer(), "Hello world"))
                .isEqualTo(new Cli(0, "[22557, 1526]\n", ""));
    }

    @Test
    void encodesStandardInputByteForByte() {
        assertThat(Cli.withInput("Hello world\n", "tokenize", "--tokenizer", tokenizer()))
                .isEqualTo(new Cli(0, "[22557, 1526, 13]\n", ""));
    }

    @Test
    void decodesIdsHoweverTheyAreSeparated() {
        for (String ids : new String[] {"[22557, 1526]", "22557,1526", " 22557 1526 ", "22557 , 1526"}) {
            assertThat(Cli.run("tokenize", "--tokenizer", tokenizer(), "--decode", ids))
                    .isEqualTo(new Cli(0, "Hello world\n", ""));
        }
        assertThat(Cli.run("tokenize", "--tokenizer", tokenizer(), "--decode", "[]"))
                .isEqualTo(new Cli(0, "\n", ""));
    }

    @Test
    void convertsLinesBothWays() {
        String texts = "\"Hello world\"\n\n\"\\ud83d\\ude00\\n\"\r\n\"\"";
        Cli encoded = Cli.withInput(texts, "tokenize", "--tokenizer", tokenizer(), "--jsonl");
        assertThat(encoded).isEqualTo(new Cli(0, "[22557, 1526]\n[28705, 30575, 13]\n[]\n", ""));
        assertThat(Cli.withInput(encoded.out(), "tokenize", "--tokenizer", tokenizer(), "--jsonl", "--decode"))
                .isEqualTo(new Cli(0, "\"Hello world\"\n\"😀\\n\"\n\"\"\n", ""));
    }

    @Test
    void namesTheLineThatIsNoString() {
        assertThat(Cli.withInput("\"a\"\n[1]\n", "tokenize", "--tokenizer", tokenizer(), "--jsonl"))
                .isEqualTo(new Cli(
                        1,
                        "[264]\n",
                        "mixtral tokenize: line 2 of standard input: expected a JSON string, found [1]\n"));
    }

    @Test
    void namesTheLineThatHoldsNoIds() {
        assertThat(Cli.withInput("[1, \"a\"]\n", "tokenize", "--tokenizer", tokenizer(), "--jsonl", "--decode"))
                .isEqualTo(new Cli(
                        1,
                        "",
                        "mixtral tokenize: line 1 of standard input: expected a token id at place 1, found \"a\"\n"));
    }

    @Test
    void namesTheLineThatIsNoJson() {
        Cli result = Cli.withInput("nonsense\n", "tokenize", "--tokenizer", tokenizer(), "--jsonl");
        assertThat(result.code()).isEqualTo(1);
        assertThat(result.err())
                .startsWith("mixtral tokenize: line 1 of standard input: not JSON: Unrecognized token 'nonsense'")
                .hasLineCount(1);
    }

    @Test
    void rejectsWhatIsNoId() {
        assertThat(Cli.run("tokenize", "--tokenizer", tokenizer(), "--decode", "1,x"))
                .isEqualTo(new Cli(
                        2, "", "mixtral tokenize: token ids are whole numbers separated by commas, got \"x\"\n"));
    }

    @Test
    void namesTheFileThatIsNotThere() {
        assertThat(Cli.run("tokenize", "--tokenizer", "absent.model", "a"))
                .isEqualTo(new Cli(1, "", "mixtral tokenize: absent.model: no such file or folder\n"));
    }

    @Test
    void findsTheTokenizerOfAFolder(@TempDir Path folder) throws IOException {
        assertThat(Cli.run("tokenize", "--tokenizer", folder.toString(), "a"))
                .isEqualTo(new Cli(
                        1,
                        "",
                        "mixtral tokenize: " + folder + ": no tokenizer found; expected tokenizer.model,"
                                + " tokenizer.model.v3, tokenizer.json or a .gguf file\n"));
        Files.copy(Path.of(tokenizer()), folder.resolve("tokenizer.model"));
        assertThat(Cli.run("tokenize", "--tokenizer", folder.toString(), "a")).isEqualTo(new Cli(0, "[264]\n", ""));
    }

    @Test
    void textAndLinesExcludeEachOther() {
        assertThat(Cli.run("tokenize", "--tokenizer", "x", "--jsonl", "a"))
                .isEqualTo(new Cli(2, "", "mixtral tokenize: --jsonl reads standard input; leave out TEXT\n"));
    }
}
