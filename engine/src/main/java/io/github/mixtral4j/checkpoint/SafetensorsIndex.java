package io.github.mixtral4j.checkpoint;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/// Which file holds which tensor: `model.safetensors.index.json`.
///
/// ```
/// {"metadata": {…}, "weight_map": {"lm_head.weight": "model-00002-of-00002.safetensors", …}}
/// ```
/// Source: Hugging Face's sharded checkpoints.
///
/// @param weightMap tensor name to file name in the same folder, in the file's order
record SafetensorsIndex(Map<String, String> weightMap) {
    static final String SUFFIX = ".safetensors.index.json";

    /// That of 8x22B has 150 kB.
    private static final long MAX_BYTES = 16L << 20;

    SafetensorsIndex {
        weightMap = Collections.unmodifiableMap(new LinkedHashMap<>(weightMap));
    }

    static SafetensorsIndex read(Path path) throws IOException {
        return parse(Names.file(path), Json.readFile(path, MAX_BYTES));
    }

    /// @param file name of the file, for messages
    /// @throws CheckpointException if it is not an index, or leads out of its folder
    static SafetensorsIndex parse(String file, byte[] json) {
        Map<String, String> weightMap = new LinkedHashMap<>();
        boolean found = Json.stream(file, json, in -> {
            boolean seen = false;
            while (in.nextToken() != JsonToken.END_OBJECT) {
                boolean isMap = in.currentName().equals("weight_map");
                JsonToken value = in.nextToken();
                if (!isMap) {
                    in.skipChildren();
                    continue;
                }
                if (seen) {
                    throw new CheckpointException(file + ": weight_map occurs twice");
                }
                seen = true;
                Json.expect(file, "weight_map", in, value, JsonToken.START_OBJECT);
                readWeightMap(file, in, weightMap);
            }
            return seen;
        });
        if (!found || weightMap.isEmpty()) {
            throw new CheckpointException(file + ": expected a weight_map with tensors, found none");
        }
        return new SafetensorsIndex(weightMap);
    }

    private static void readWeightMap(String file, JsonParser in, Map<String, String> weightMap) {
        while (in.nextToken() != JsonToken.END_OBJECT) {
            String tensor = Names.check(file, "tensor name", in.currentName());
            Json.expect(file, tensor, in, in.nextToken(), JsonToken.VALUE_STRING);
            String shard = in.getString();
            if (!isPlainName(shard)) {
                throw new CheckpointException(file + ": weight_map sends " + tensor + " to " + Names.quote(shard)
                        + "; expected the name of a .safetensors file in the same folder");
            }
            if (weightMap.put(tensor, shard) != null) {
                throw new CheckpointException(file + ": tensor " + tensor + " occurs twice in weight_map");
            }
            if (weightMap.size() > GgufHeader.MAX_ENTRIES) {
                throw new CheckpointException(
                        file + ": more than " + GgufHeader.MAX_ENTRIES + " tensors, which cannot be right");
            }
        }
    }

    /// Whether this is a file's name and not a path that leads elsewhere.
    private static boolean isPlainName(String name) {
        return name.endsWith(".safetensors")
                && name.length() <= 255
                && name.chars().noneMatch(c -> c == '/' || c == '\\' || c == ':' || Character.isISOControl(c));
    }
}
