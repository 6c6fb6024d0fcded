package io.github.mixtral4j.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.stream.Stream;

/// Which files a path stands for.
sealed interface ModelFiles {
    /// A GGUF file or any shard of one.
    record Gguf(Path anyShard) implements ModelFiles {}

    /// Files of safetensors in a folder.
    ///
    /// @param shards the files, in order
    /// @param index what the index promises, if there is one
    record Safetensors(SafetensorsLayout layout, Path folder, List<Path> shards, Optional<SafetensorsIndex> index)
            implements ModelFiles {}

    /// Finds the model a path stands for; see [Checkpoint#open(Path, LoadMode, LoadProgress)].
    static ModelFiles locate(Path path) throws IOException {
        if (!Files.exists(path)) {
            throw new NoSuchFileException(path.toString(), null, "no such file or folder");
        }
        if (Files.isDirectory(path)) {
            return inFolder(path);
        }
        if (!Files.isRegularFile(path)) {
            throw new CheckpointException(path + ": not a regular file");
        }
        String name = Names.file(path);
        for (SafetensorsLayout layout : SafetensorsLayout.values()) {
            if (name.equals(layout.configName())) {
                return SafetensorsFiles.inFolder(folderOf(path), layout)
                        .orElseThrow(() -> new CheckpointException(path + ": there are no weights beside it; expected "
                                + SafetensorsFiles.expected(layout)));
            }
        }
        if (name.endsWith(SafetensorsIndex.SUFFIX)) {
            return SafetensorsFiles.ofIndex(folderOf(path), path);
        }
        if (name.endsWith(".safetensors")) {
            return SafetensorsFiles.ofWeights(folderOf(path), path);
        }
        return sniff(path);
    }

    private static Path folderOf(Path file) {
        Path folder = file.getParent();
        return folder == null ? Path.of(".") : folder;
    }

    /// A file whose name says nothing: GGUF if it starts like one.
    private static Gguf sniff(Path path) throws IOException {
        byte[] start;
        try (InputStream in = Files.newInputStream(path)) {
            start = in.readNBytes(4);
        }
        if (Arrays.equals(start, new byte[] {'G', 'G', 'U', 'F'})) {
            return new Gguf(path);
        }
        boolean pickle = start.length == 4 && start[0] == 'P' && start[1] == 'K';
        throw new CheckpointException(path + ": not a model file: expected GGUF (starting with \"GGUF\") or "
                + ".safetensors" + (pickle ? ", found a PyTorch or zip archive; convert it to safetensors" : ""));
    }

    private static ModelFiles inFolder(Path folder) throws IOException {
        List<ModelFiles> models = new ArrayList<>();
        Map<String, Path> ggufs = ggufModels(folder);
        ggufs.values().forEach(path -> models.add(new Gguf(path)));
        Optional<Safetensors> safetensors = SafetensorsFiles.inFolder(folder, SafetensorsLayout.HUGGING_FACE);
        // Mistral's downloads carry both; they are the same weights. An adapter beside a model has to be named.
        if (safetensors.isEmpty()) {
            safetensors = SafetensorsFiles.inFolder(folder, SafetensorsLayout.MISTRAL);
        }
        if (safetensors.isEmpty() && ggufs.isEmpty()) {
            safetensors = SafetensorsFiles.inFolder(folder, SafetensorsLayout.PEFT);
        }
        safetensors.ifPresent(models::add);
        if (models.isEmpty()) {
            throw new CheckpointException(folder + ": no model found; expected a .gguf file, "
                    + SafetensorsFiles.expected(SafetensorsLayout.HUGGING_FACE) + " with config.json, or "
                    + SafetensorsFiles.expected(SafetensorsLayout.MISTRAL) + " with params.json");
        }
        if (models.size() > 1) {
            throw new CheckpointException(folder + ": holds " + models.size() + " models; name one of "
                    + choices(ggufs, safetensors.isPresent()));
        }
        return models.getFirst();
    }

    /// One path per GGUF model of a folder, by name without shard number.
    private static Map<String, Path> ggufModels(Path folder) throws IOException {
        Map<String, Path> models = new TreeMap<>();
        for (Path path : list(folder)) {
            String name = Names.file(path);
            if (name.endsWith(".gguf")) {
                Matcher shard = GgufShards.NAME.matcher(name);
                models.putIfAbsent(shard.matches() ? shard.group(1) + "-of-" + shard.group(3) : name, path);
            }
        }
        return models;
    }

    private static String choices(Map<String, Path> ggufs, boolean safetensors) {
        List<String> names = new ArrayList<>();
        ggufs.values().stream().limit(5).map(Names::file).forEach(names::add);
        if (ggufs.size() > 5) {
            names.add("…");
        }
        if (safetensors) {
            names.add("config.json or params.json (for the safetensors)");
        }
        return String.join(", ", names);
    }

    /// The regular files of a folder, by name.
    static List<Path> list(Path folder) throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.filter(Files::isRegularFile).sorted().toList();
        }
    }
}
