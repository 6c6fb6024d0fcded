package io.github.mixtral4j.train.loop;

import io.github.mixtral4j.train.model.Parameter;
import io.github.mixtral4j.train.optim.AdamW;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The checkpoints of a run, a folder each, named by their step: `step-00000100`. A folder has that name only
/// when it is complete.
final class Checkpoints {
    private static final Pattern NAME = Pattern.compile("step-(\\d{8,9})");

    private final Path folder;
    private final int keep;

    /// @param keep how many stay
    Checkpoints(Path folder, int keep) {
        this.folder = folder;
        this.keep = keep;
    }

    /// The folder of a step.
    Path of(int step) {
        return folder.resolve(String.format(Locale.ROOT, "step-%08d", step));
    }

    /// The steps there are checkpoints of, ascending.
    List<Integer> steps() throws IOException {
        List<Integer> steps = new ArrayList<>();
        if (Files.isDirectory(folder)) {
            for (Path path : Folders.list(folder)) {
                Matcher name = NAME.matcher(path.getFileName().toString());
                if (name.matches()) {
                    steps.add(Integer.parseInt(name.group(1)));
                }
            }
        }
        return steps;
    }

    /// The last checkpoint.
    Optional<Path> latest() throws IOException {
        List<Integer> steps = steps();
        return steps.isEmpty() ? Optional.empty() : Optional.of(of(steps.getLast()));
    }

    /// Removes what a killed run left unfinished.
    void clean() throws IOException {
        if (Files.isDirectory(folder)) {
            for (Path path : Folders.list(folder)) {
                if (path.getFileName().toString().endsWith(Folders.UNFINISHED)) {
                    Folders.delete(path);
                }
            }
        }
    }

    /// Writes a checkpoint.
    ///
    /// @throws IOException if the disk is full, for one; the checkpoints before it stay
    void save(RunState state, List<Parameter> parameters, AdamW optimizer) throws IOException {
        Path target = of(state.step());
        Path unfinished = target.resolveSibling("." + target.getFileName() + Folders.UNFINISHED);
        try {
            Folders.delete(unfinished);
            Files.createDirectories(unfinished);
            StateFiles.write(unfinished, state, parameters, optimizer);
            Folders.delete(target);
            Folders.publish(unfinished, target);
        } catch (IOException e) {
            tidy(unfinished, e);
            throw new IOException(
                    target + ": cannot save step " + state.step() + ": " + reason(e) + "; " + bytes(parameters)
                            + " are needed",
                    e);
        }
    }

    private static void tidy(Path unfinished, IOException reason) {
        try {
            Folders.delete(unfinished);
        } catch (IOException e) {
            reason.addSuppressed(e); // the next start removes it
        }
    }

    private static String bytes(List<Parameter> parameters) {
        long bytes = 3L
                * Float.BYTES
                * parameters.stream().mapToLong(p -> (long) p.rows() * p.cols()).sum();
        return bytes < 10_000_000 ? bytes / 1000 + " kB" : bytes / 1_000_000 + " MB";
    }

    private static String reason(IOException e) {
        String reason = e instanceof FileSystemException f && f.getReason() != null ? f.getReason() : e.getMessage();
        return reason == null ? e.getClass().getSimpleName() : reason;
    }

    /// Removes the oldest of those that are too many.
    ///
    /// @param best a step whose checkpoint stays, or 0
    void prune(int best) throws IOException {
        List<Integer> steps = steps();
        for (int step : steps.subList(0, Math.max(0, steps.size() - keep))) {
            if (step != best) {
                Path unfinished = of(step).resolveSibling("." + of(step).getFileName() + Folders.UNFINISHED);
                // Renamed first, so that a kill in between leaves no half a checkpoint under its name.
                Files.move(of(step), unfinished);
                Folders.delete(unfinished);
            }
        }
    }

    /// Sets a checkpoint aside, under a name that nothing resumes from.
    void reject(int step) throws IOException {
        if (Files.isDirectory(of(step))) {
            Path rejected = of(step).resolveSibling(of(step).getFileName() + ".not-finite");
            Folders.delete(rejected);
            Files.move(of(step), rejected);
        }
    }
}
