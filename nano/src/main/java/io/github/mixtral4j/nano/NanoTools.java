package io.github.mixtral4j.nano;

import io.github.mixtral4j.nano.data.DataSet;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/// What `nano/train-nano` runs between the trainings; not for users of mixtral4j.
/// ```
/// data NPM-FOLDER OUTPUT-FOLDER [SIZE]
/// ```
public final class NanoTools {
    private static final long SEED = 20_240_417;

    private NanoTools() {}

    /// Runs one step; ends the process with 1 and a line when that fails.
    public static void main(String[] args) {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        try {
            run(args, out);
        } catch (IOException | IllegalArgumentException e) {
            System.err.println("nano: " + e.getMessage());
            System.exit(1);
        }
    }

    private static void run(String[] args, PrintStream out) throws IOException {
        String command = args.length == 0 ? "" : args[0];
        switch (command) {
            case "data" -> {
                double size = args.length > 3 ? Double.parseDouble(args[3]) : 1;
                out.println(DataSet.write(Path.of(args[1]), Path.of(args[2]), SEED, size));
            }
            default -> throw new IllegalArgumentException("no step is called \"" + command + "\"; expected data");
        }
    }
}
