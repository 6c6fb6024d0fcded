package io.github.mixtral4j.train.loop;

import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.train.TrainException;
import io.github.mixtral4j.train.data.BatchStream.Position;
import io.github.mixtral4j.train.model.Parameter;
import io.github.mixtral4j.train.optim.AdamW;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The files of one checkpoint: `state.json`, and the float32 values of all parameters and both moments, one
/// file each, little-endian, one parameter after the other as `state.json` lists them. It has their checksums
/// too.
final class StateFiles {
    private static final String STATE = "state.json";
    private static final String PARAMETERS = "parameters.f32";
    private static final String MEANS = "gradient-means.f32";
    private static final String SQUARES = "gradient-squares.f32";
    private static final int PIECE_BYTES = 4 << 20;

    private static final JsonMapper JSON = JsonMapper.builder().build();

    private StateFiles() {}

    static void write(Path folder, RunState state, List<Parameter> parameters, AdamW optimizer) throws IOException {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("step", state.step());
        json.put("epoch", state.position().epoch());
        json.put("index", state.position().index());
        json.put("unit", state.position().unit());
        json.put("tokens", state.tokens());
        json.put("seconds", state.seconds());
        if (Double.isFinite(state.bestLoss())) {
            json.put("best_loss", state.bestLoss());
            json.put("best_step", state.bestStep());
        }
        json.put("evaluations_since_best", state.evaluationsSinceBest());
        json.put("settings", state.settings());
        json.put("parameters", parameters.stream().map(StateFiles::describe).toList());
        Map<String, Long> checksums = new LinkedHashMap<>();
        checksums.put(PARAMETERS, write(folder.resolve(PARAMETERS), values(parameters)));
        checksums.put(MEANS, write(folder.resolve(MEANS), optimizer.means()));
        checksums.put(SQUARES, write(folder.resolve(SQUARES), optimizer.squares()));
        json.put("crc32c", checksums);
        Folders.write(folder.resolve(STATE), ByteBuffer.wrap(JSON.writeValueAsBytes(json)));
    }

    /// Sets parameters and moments, and tells where the run stood.
    ///
    /// @throws TrainException if a file is damaged, or is of another model
    static RunState read(Path folder, List<Parameter> parameters, AdamW optimizer) throws IOException {
        JsonNode json = json(folder);
        List<String> expected = parameters.stream().map(StateFiles::describe).toList();
        List<String> found = new ArrayList<>();
        json.path("parameters").forEach(node -> found.add(node.asString("")));
        if (!found.equals(expected)) {
            throw new TrainException(
                    folder + ": holds " + difference(found, expected) + "; it is the checkpoint of another model");
        }
        RunState state = readState(folder, json);
        JsonNode checksums = json.path("crc32c");
        read(folder.resolve(PARAMETERS), values(parameters), checksums);
        read(folder.resolve(MEANS), optimizer.means(), checksums);
        read(folder.resolve(SQUARES), optimizer.squares(), checksums);
        optimizer.resumeAfter(state.step());
        return state;
    }

    /// Where the run stood.
    static RunState readState(Path folder) throws IOException {
        return readState(folder, json(folder));
    }

    private static RunState readState(Path folder, JsonNode json) {
        try {
            Map<String, String> settings = new LinkedHashMap<>();
            json.required("settings").forEachEntry((key, value) -> settings.put(key, value.asString()));
            return new RunState(
                    json.required("step").asInt(),
                    new Position(
                            json.required("epoch").asInt(),
                            json.required("index").asInt(),
                            json.required("unit").asInt()),
                    json.required("tokens").asLong(),
                    json.required("seconds").asDouble(),
                    json.path("best_loss").asDouble(Double.POSITIVE_INFINITY),
                    json.path("best_step").asInt(0),
                    json.required("evaluations_since_best").asInt(),
                    settings);
        } catch (JacksonException e) {
            throw damaged(folder.resolve(STATE), e);
        }
    }

    private static JsonNode json(Path folder) throws IOException {
        Path file = folder.resolve(STATE);
        try {
            return JSON.readTree(Files.readString(file, StandardCharsets.UTF_8));
        } catch (JacksonException e) {
            throw damaged(file, e);
        }
    }

    private static TrainException damaged(Path file, Throwable cause) {
        return new TrainException(file + ": damaged; delete its folder to go on from the checkpoint before it", cause);
    }

    private static String describe(Parameter parameter) {
        return parameter.name() + " [" + parameter.rows() + ", " + parameter.cols() + "]";
    }

    private static String difference(List<String> found, List<String> expected) {
        for (int i = 0; i < Math.min(found.size(), expected.size()); i++) {
            if (!found.get(i).equals(expected.get(i))) {
                return found.get(i) + " where " + expected.get(i) + " is expected";
            }
        }
        return found.size() + " parameters, expected " + expected.size();
    }

    private static List<Rows> values(List<Parameter> parameters) {
        return parameters.stream().map(Parameter::value).toList();
    }

    /// @return the checksum
    private static long write(Path file, List<Rows> matrices) throws IOException {
        CRC32C checksum = new CRC32C();
        ByteBuffer buffer = ByteBuffer.allocateDirect(PIECE_BYTES);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            for (Rows matrix : matrices) {
                MemorySegment data = matrix.data();
                for (long at = 0; at < data.byteSize(); at += PIECE_BYTES) {
                    int length = (int) Math.min(PIECE_BYTES, data.byteSize() - at);
                    buffer.clear().limit(length);
                    copy(data, at, MemorySegment.ofBuffer(buffer), 0, length);
                    checksum.update(buffer.duplicate());
                    while (buffer.hasRemaining()) {
                        channel.write(buffer);
                    }
                }
            }
            channel.force(true);
        }
        return checksum.getValue();
    }

    private static void read(Path file, List<Rows> matrices, JsonNode checksums) throws IOException {
        CRC32C checksum = new CRC32C();
        ByteBuffer buffer = ByteBuffer.allocateDirect(PIECE_BYTES);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            for (Rows matrix : matrices) {
                MemorySegment data = matrix.data();
                for (long at = 0; at < data.byteSize(); at += PIECE_BYTES) {
                    int length = (int) Math.min(PIECE_BYTES, data.byteSize() - at);
                    buffer.clear().limit(length);
                    while (buffer.hasRemaining()) {
                        if (channel.read(buffer) < 0) {
                            throw damaged(file, new IOException("too short"));
                        }
                    }
                    buffer.flip();
                    checksum.update(buffer.duplicate());
                    copy(MemorySegment.ofBuffer(buffer), 0, data, at, length);
                }
            }
        }
        if (checksum.getValue() != checksums.path(file.getFileName().toString()).asLong(-1)) {
            throw damaged(file, new IOException("wrong checksum"));
        }
    }

    /// Copies floats; in memory they have the machine's byte order, in files the lower byte first, and on
    /// every machine that this runs on the two are the same.
    private static void copy(MemorySegment from, long fromOffset, MemorySegment to, long toOffset, long bytes) {
        MemorySegment.copy(from, ValueLayout.JAVA_BYTE, fromOffset, to, ValueLayout.JAVA_BYTE, toOffset, bytes);
    }
}
