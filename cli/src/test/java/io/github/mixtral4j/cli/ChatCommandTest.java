package io.github.mixtral4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.github.mixtral4j.nano.NanoModel;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ChatCommandTest {
    @TempDir
    private Path folder;

    @Test
    void withoutAModelItSaysHowToGetOneWhereNoneComesWithIt() throws Exception {
        var out = new ByteArrayOutputStream();
        var err = new ByteArrayOutputStream();
        Console console = new Console(InputStream.nullInputStream(), out, err, () -> false);
        assertThat(new ChatCommand(console, Optional::empty).call()).isEqualTo(Main.FAILED);
        console.flush();
        assertThat(out.toString(StandardCharsets.UTF_8)).isEmpty();
        assertThat(err.toString(StandardCharsets.UTF_8)).isEqualTo(ChatCommand.HOW_TO_GET_A_MODEL + "\n");
    }

    @Test
    void withoutAModelItTalksToTheOneThatComesWithIt() throws IOException {
        assumeThat(NanoModel.file()).as("no model comes with this build").isPresent();
        Cli result = Cli.withInput("Hello\n", "chat", "--temperature", "0");
        assertThat(result.code()).as(result.err()).isEqualTo(0);
        assertThat(result.err()).startsWith(ChatCommand.THE_SMALL_MODEL + "\n");
        assertThat(result.out()).isNotBlank();
    }

    @Test
    void talksThroughAPipe() throws IOException {
        Path model = folder.resolve("tiny.gguf");
        Path saved = folder.resolve("saved.json");
        assertThat(Cli.run("synth", "--preset", "tiny", "--type", "Q8_0", model.toString())
                        .code())
                .isEqualTo(0);
        String input =
                "hello\n\"\"\"\n/two\nlines\n\"\"\"\nto be \\\ncontinued\n/save " + saved + "\n/stats\n/quit\nnever\n";
        Cli result = Cli.withInput(
                input, "chat", model.toString(), "--system", "Be kind", "-n", "6", "--seed", "3", "--ignore-eos");
        assertThat(result.code()).as(result.err()).isEqualTo(0);
        assertThat(result.err()).startsWith("Chat format v3; /help lists the commands.\n");
        assertThat(result.out()).contains(saved + ": 7 messages written\n7 messages; last prompt ");
        assertThat(Files.readString(saved)).contains("Be kind", "/two\\nlines", "to be \\ncontinued");
    }

    @Test
    void mistakesInAPipeShowInTheExitCode() {
        Path model = folder.resolve("tiny.gguf");
        assertThat(Cli.run("synth", "--preset", "tiny", "--layers", "1", "--type", "Q8_0", model.toString())
                        .code())
                .isEqualTo(0);
        Cli result = Cli.withInput("/load absent.json\n/dance\n/help\n", "chat", model.toString());
        assertThat(result.code()).isEqualTo(1);
        assertThat(result.out()).startsWith("/help ");
        assertThat(result.err())
                .endsWith("absent.json: no such file or folder\nunknown command /dance; /help lists the commands; a"
                        + " message that begins with / goes between two lines \"\"\"\n");
    }

    @Test
    void messagesMayHaveSeveralLines() throws IOException {
        assertThat(messages("one\n\"\"\"\n a\n\nb\n\"\"\"\ntwo\\\nthree\n"))
                .containsExactly("one", " a\n\nb", "two\nthree");
        assertThat(messages("\"\"\"\nnever closed")).containsExactly("never closed");
        assertThat(messages("ends with \\")).containsExactly("ends with \n");
        assertThat(messages("")).isEmpty();
    }

    @Test
    void fencedTextIsAMessageWhateverItBeginsWith() throws IOException {
        ChatInput piped = new ChatInput.Piped(new BufferedReader(new StringReader("\"\"\"\n/quit\n\"\"\"\n/quit\n")));
        assertThat(piped.read()).hasValue(new ChatInput.Entry("/quit", true));
        assertThat(piped.read()).hasValue(new ChatInput.Entry("/quit", false));
    }

    private static List<String> messages(String input) throws IOException {
        List<String> messages = new ArrayList<>();
        ChatInput piped = new ChatInput.Piped(new BufferedReader(new StringReader(input)));
        for (Optional<ChatInput.Entry> next = piped.read(); next.isPresent(); next = piped.read()) {
            messages.add(next.get().text());
        }
        return messages;
    }
}
