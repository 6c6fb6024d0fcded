package io.github.mixtral4j.checkpoint;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The files of one GGUF model: a single one, or `name-00001-of-0000N.gguf` to `name-0000N-of-0000N.gguf`.
///
/// Shards agree on `split.count` (N) and `split.tensors.count` and carry their own number from 0 in `split.no`. The
/// metadata of the model stands in the first; what others repeat of it must be equal.
final class GgufShards {
    static final Pattern NAME = Pattern.compile("(.*)-(\\d{5})-of-(\\d{5})\\.gguf");

    private static final String COUNT = "split.count";
    private static final String NUMBER = "split.no";
    private static final String TENSORS = "split.tensors.count";

    /// A file and what its header says.
    record Shard(MappedFile file, GgufHeader header) {
        static Shard open(Path path, Arena arena) throws IOException {
            MappedFile file = MappedFile.map(path, arena);
            return new Shard(file, file.parse(GgufHeader::parse));
        }

        String name() {
            return file.name();
        }
    }

    private GgufShards() {}

    /// Opens the file and, if it is a shard, all others of the model.
    ///
    /// @return in order
    static List<Shard> open(Path path, Arena arena) throws IOException {
        Shard given = Shard.open(path, arena);
        GgufMetadata metadata = given.header().metadata();
        long count = metadata.has(COUNT) ? metadata.integer(COUNT) : 1;
        if (count == 0 || count == 1) {
            return List.of(given);
        }
        Matcher name = NAME.matcher(given.name());
        long number = metadata.integer(NUMBER);
        if (!name.matches() || Long.parseLong(name.group(3)) != count || Long.parseLong(name.group(2)) != number + 1) {
            throw new CheckpointException(given.name() + ": " + NUMBER + " " + number + " of " + COUNT + " " + count
                    + " does not fit the file's name; expected a name ending in "
                    + String.format(Locale.ROOT, "-%05d-of-%05d.gguf", number + 1, count));
        }
        List<Shard> shards = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            shards.add(i == number ? given : openSibling(given, name.group(1), i, count, arena));
        }
        checkSameModel(shards);
        checkTensors(shards);
        return shards;
    }

    private static Shard openSibling(Shard given, String prefix, int number, long count, Arena arena)
            throws IOException {
        Path path = given.file()
                .path()
                .resolveSibling(String.format(Locale.ROOT, "%s-%05d-of-%05d.gguf", prefix, number + 1, count));
        if (!Files.exists(path)) {
            throw new CheckpointException(given.name() + ": shard " + (number + 1) + " of " + count
                    + " is missing: there is no file " + path);
        }
        return Shard.open(path, arena);
    }

    private static void checkSameModel(List<Shard> shards) {
        Shard first = shards.getFirst();
        for (int i = 0; i < shards.size(); i++) {
            GgufMetadata metadata = shards.get(i).header().metadata();
            String name = shards.get(i).name();
            expect(name, metadata, NUMBER, i);
            expect(name, metadata, COUNT, shards.size());
            metadata.values().forEach((key, value) -> {
                GgufValue expected = first.header().metadata().values().get(key);
                if (!key.equals(NUMBER) && expected != null && !expected.equals(value)) {
                    throw new CheckpointException(name + ": not of the same model as " + first.name() + ": " + key
                            + ": expected " + expected + ", found " + value);
                }
            });
        }
    }

    private static void expect(String name, GgufMetadata metadata, String key, long expected) {
        if (metadata.integer(key) != expected) {
            throw new CheckpointException(
                    name + ": expected " + key + " " + expected + ", found " + metadata.integer(key));
        }
    }

    private static void checkTensors(List<Shard> shards) {
        Map<String, Shard> owners = new HashMap<>();
        for (Shard shard : shards) {
            for (LocatedTensor tensor : shard.header().tensors()) {
                Shard other = owners.put(tensor.info().name(), shard);
                if (other != null) {
                    throw new CheckpointException(
                            shard.name() + ": tensor " + tensor.info().name() + " is also in " + other.name());
                }
            }
        }
        Shard first = shards.getFirst();
        GgufMetadata metadata = first.header().metadata();
        if (metadata.has(TENSORS) && metadata.integer(TENSORS) != owners.size()) {
            throw new CheckpointException(first.name() + ": expected " + metadata.integer(TENSORS)
                    + " tensors in all shards (" + TENSORS + "), found " + owners.size());
        }
    }
}
