package io.github.mixtral4j.cli;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/// Runs the commands once on a tiny model. The launcher's build starts this under `-XX:ArchiveClassesAtExit`, so that
/// the classes that commands load come from an archive in every later start.
final class ArchiveTraining {
    private ArchiveTraining() {}

    /// @param args `run` if the kernels take part, else anything, then a folder for files
    public static void main(String[] args) throws IOException {
        Path folder = Path.of(args[1]);
        String model = folder.resolve("tiny.gguf").toString();
        String request = folder.resolve("request.json").toString();
        Files.writeString(Path.of(request), "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}]}");
        run("", "--version");
        run("", "run", "--help");
        run("", "synth", "--preset", "tiny", "--layers", "1", "--type", "F16", model);
        run("", "inspect", model);
        run("", "inspect", model, "--json");
        run("", "tokenize", "--tokenizer", model, "a");
        run("\"a\"\n", "tokenize", "--tokenizer", model, "--jsonl");
        run("[300]\n", "tokenize", "--tokenizer", model, "--jsonl", "--decode");
        run("", "prompt", "--tokenizer", model, request, "--json");
        if (args[0].equals("run")) {
            run("", "logits", model, "--ids", "1,2", "--json");
            run("", "run", model, "-p", "a", "-n", "2");
            run("a\n", "chat", model, "-n", "2");
        }
    }

    private static void run(String input, String... args) {
        Console console = new Console(
                new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)),
                OutputStream.nullOutputStream(),
                System.err,
                () -> false);
        if (Main.run(console, args) != Main.OK) {
            throw new IllegalStateException("training failed at " + String.join(" ", args));
        }
    }
}
