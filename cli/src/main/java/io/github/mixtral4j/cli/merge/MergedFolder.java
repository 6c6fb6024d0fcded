package io.github.mixtral4j.cli.merge;

import io.github.mixtral4j.checkpoint.AtomicFolder;
import io.github.mixtral4j.checkpoint.SafetensorsCheckpoint;
import io.github.mixtral4j.checkpoint.SafetensorsLayout;
import io.github.mixtral4j.checkpoint.SafetensorsWriter;
import io.github.mixtral4j.checkpoint.TensorInfo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// A folder of safetensors written anew: the same shards with merged tensors, and beside them the config, the tokenizer
/// and what else lies there that is not weights.
final class MergedFolder {
    private static final Pattern WEIGHTS = Pattern.compile(".*\\.(safetensors|gguf|bin|pt|pth|h5|msgpack|onnx)");

    private final SafetensorsCheckpoint base;
    private final MergedTensors tensors;

    MergedFolder(SafetensorsCheckpoint base, MergedTensors tensors) {
        this.base = base;
        this.tensors = tensors;
    }

    void write(Path out, int threads) throws IOException {
        // Left out they would be lost, so the reason why they cannot be read is the failure.
        base.unreadable().forEach(base::find);
        try (AtomicFolder folder = AtomicFolder.create(out);
                Stream<Path> files = Files.list(base.path())) {
            for (Path file : files.filter(this::isKept).toList()) {
                Files.copy(file, folder.path().resolve(file.getFileName()));
            }
            for (Map.Entry<Path, List<String>> shard : base.shards().entrySet()) {
                List<TensorInfo> infos = shard.getValue().stream()
                        .map(base::tensor)
                        .map(AdapterMerge::info)
                        .toList();
                Path target = folder.path().resolve(shard.getKey().getFileName());
                SafetensorsWriter.write(target, Map.of("format", "pt"), infos, threads, tensors);
            }
            folder.commit();
        }
    }

    /// Whether a file goes with the weights that are written: not other weights, nor what describes those.
    private boolean isKept(Path file) {
        String name = file.getFileName().toString();
        if (!Files.isRegularFile(file)
                || name.startsWith(".")
                || WEIGHTS.matcher(name).matches()) {
            return false;
        }
        if (name.endsWith(".safetensors.index.json")) {
            return name.startsWith(base.layout().stem()) && base.shards().size() > 1;
        }
        return Stream.of(SafetensorsLayout.values())
                .noneMatch(layout -> layout != base.layout() && name.equals(layout.configName()));
    }
}
