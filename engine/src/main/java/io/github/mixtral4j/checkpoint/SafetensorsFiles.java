package io.github.mixtral4j.checkpoint;

import io.github.mixtral4j.checkpoint.ModelFiles.Safetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// Finds the weight files of a Hugging Face or Mistral folder: one file, an index, or numbered shards without an index.
final class SafetensorsFiles {
    private SafetensorsFiles() {}

    /// The files a message asks for.
    static String expected(SafetensorsLayout layout) {
        return layout.stem() + ".safetensors (or shards)";
    }

    /// The model of this layout, or empty if the folder lacks its config or its weights.
    ///
    /// @throws CheckpointException if shards are missing or the choice is not clear
    static Optional<Safetensors> inFolder(Path folder, SafetensorsLayout layout) throws IOException {
        if (!Files.exists(folder.resolve(layout.configName()))) {
            return Optional.empty();
        }
        Path index = folder.resolve(layout.stem() + SafetensorsIndex.SUFFIX);
        Path single = folder.resolve(layout.stem() + ".safetensors");
        if (Files.exists(index) && Files.exists(single)) {
            SafetensorsIndex promised = SafetensorsIndex.read(index);
            if (!promised.weightMap().containsValue(Names.file(single))) {
                throw new CheckpointException(folder + ": holds both " + Names.file(single) + " and "
                        + Names.file(index) + ", which does not mention it; name one of them");
            }
        }
        if (Files.exists(index)) {
            return Optional.of(ofIndex(layout, folder, index));
        }
        if (Files.exists(single)) {
            return Optional.of(new Safetensors(layout, folder, List.of(single), Optional.empty()));
        }
        List<Path> shards = numbered(folder, layout.stem());
        return shards.isEmpty()
                ? Optional.empty()
                : Optional.of(new Safetensors(layout, folder, shards, Optional.empty()));
    }

    /// The model an index describes.
    static Safetensors ofIndex(Path folder, Path index) throws IOException {
        return ofIndex(layoutOf(folder, index), folder, index);
    }

    /// The model a safetensors file belongs to: all shards of the index or numbering that has it, or it alone.
    static Safetensors ofWeights(Path folder, Path file) throws IOException {
        SafetensorsLayout layout = layoutOf(folder, file);
        Path index = folder.resolve(layout.stem() + SafetensorsIndex.SUFFIX);
        if (Files.exists(index) && SafetensorsIndex.read(index).weightMap().containsValue(Names.file(file))) {
            return ofIndex(layout, folder, index);
        }
        List<Path> shards = shardName(layout.stem()).matcher(Names.file(file)).matches()
                ? numbered(folder, layout.stem())
                : List.of(file);
        return new Safetensors(layout, folder, shards, Optional.empty());
    }

    private static Safetensors ofIndex(SafetensorsLayout layout, Path folder, Path index) throws IOException {
        SafetensorsIndex promised = SafetensorsIndex.read(index);
        List<Path> shards = promised.weightMap().values().stream()
                .distinct()
                .map(folder::resolve)
                .toList();
        for (Path shard : shards) {
            if (!Files.exists(shard)) {
                throw new CheckpointException(
                        Names.file(index) + ": shard " + Names.file(shard) + " is missing in " + folder);
            }
        }
        return new Safetensors(layout, folder, shards, Optional.of(promised));
    }

    /// Decided by the configs beside the file; where there are several, by the file's name.
    private static SafetensorsLayout layoutOf(Path folder, Path file) {
        List<SafetensorsLayout> layouts = Stream.of(SafetensorsLayout.values())
                .filter(layout -> Files.exists(folder.resolve(layout.configName())))
                .toList();
        if (layouts.isEmpty()) {
            throw new CheckpointException(
                    file + ": expected config.json (Hugging Face) or params.json (Mistral) beside it, found neither");
        }
        return layouts.stream()
                .filter(layout -> Names.file(file).startsWith(layout.stem()))
                .findFirst()
                .orElse(layouts.getFirst());
    }

    /// `stem-00001-of-00003`, `stem-00001` or `stem.00`.
    private static Pattern shardName(String stem) {
        return Pattern.compile(Pattern.quote(stem) + "([-.])(\\d{2,5})(?:-of-(\\d{2,5}))?\\.safetensors");
    }

    /// Shards without an index, in order and without gaps; empty if there are none.
    private static List<Path> numbered(Path folder, String stem) throws IOException {
        SortedMap<Integer, Path> shards = new TreeMap<>();
        String style = null;
        int total = 0;
        for (Path path : ModelFiles.list(folder)) {
            Matcher name = shardName(stem).matcher(Names.file(path));
            if (!name.matches()) {
                continue;
            }
            String thisStyle = name.group(1) + Objects.requireNonNullElse(name.group(3), "");
            if (style != null && !style.equals(thisStyle)) {
                throw new CheckpointException(folder + ": the shards of more than one model: "
                        + Names.file(shards.firstEntry().getValue()) + ", " + Names.file(path));
            }
            style = thisStyle;
            total = name.group(3) == null ? 0 : Integer.parseInt(name.group(3));
            shards.put(Integer.parseInt(name.group(2)), path);
        }
        if (!shards.isEmpty()) {
            checkComplete(folder, shards, total);
        }
        return List.copyOf(shards.values());
    }

    /// @param total as the names say, or 0 if they do not
    private static void checkComplete(Path folder, SortedMap<Integer, Path> shards, int total) {
        int first = total > 0 || shards.firstKey() > 0 ? 1 : 0;
        int last = total > 0 ? total : shards.lastKey();
        String model = Names.file(shards.firstEntry().getValue());
        for (int i = first; i <= last; i++) {
            if (!shards.containsKey(i)) {
                throw new CheckpointException(
                        String.format(Locale.ROOT, "%s: shard %d of the model of %s is missing", folder, i, model));
            }
        }
        if (shards.size() != last - first + 1) {
            throw new CheckpointException(String.format(
                    Locale.ROOT, "%s: expected shards %d to %d, found %s", folder, first, last, shards.keySet()));
        }
    }
}
