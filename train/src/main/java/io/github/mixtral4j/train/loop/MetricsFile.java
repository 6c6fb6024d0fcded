package io.github.mixtral4j.train.loop;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// `metrics.jsonl`, a line for every step. A resumed run takes back the lines of the steps that it takes
/// again.
final class MetricsFile implements AutoCloseable {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final Path file;
    private final FileChannel channel;

    private MetricsFile(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    /// Opens the file behind the line of a step.
    static MetricsFile open(Path file, int afterStep) throws IOException {
        long[] end = {0};
        if (Files.exists(file)) {
            scan(file, (line, to) -> {
                if (afterStep > 0 && line.path("step").asInt(0) <= afterStep) {
                    end[0] = to;
                }
            });
        }
        FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        channel.truncate(end[0]).position(end[0]);
        return new MetricsFile(file, channel);
    }

    /// Adds the line of a step.
    void add(StepMetrics metrics) throws IOException {
        add(metrics.json());
    }

    /// Adds the line of step 0: the evaluation of a model that has learnt nothing yet.
    void addStart(StepMetrics.Evaluated evaluated) throws IOException {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("step", 0);
        evaluated.addTo(line);
        add(line);
    }

    private void add(Map<String, Object> json) throws IOException {
        ByteBuffer line = ByteBuffer.wrap((JSON.writeValueAsString(json) + "\n").getBytes(StandardCharsets.UTF_8));
        try {
            while (line.hasRemaining()) {
                channel.write(line);
            }
        } catch (IOException e) {
            throw new IOException(file + ": " + e.getMessage(), e);
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }

    /// Reads the lines of a file one by one.
    static void read(Path file, Consumer<JsonNode> reader) throws IOException {
        scan(file, (line, _) -> reader.accept(line));
    }

    @FunctionalInterface
    private interface Scanner {
        void line(JsonNode line, long end);
    }

    /// Goes through the whole lines up to the first that is none; a kill may have cut the last one short.
    private static void scan(Path file, Scanner scanner) throws IOException {
        long end = 0;
        long size = Files.size(file);
        try (BufferedReader reader = Files.newBufferedReader(file)) {
            for (String text = reader.readLine(); text != null; text = reader.readLine()) {
                JsonNode line = JSON.readTree(text);
                end += text.getBytes(StandardCharsets.UTF_8).length + 1;
                if (!line.isObject() || end > size) {
                    return;
                }
                scanner.line(line, end);
            }
        } catch (JacksonException e) {
            return;
        }
    }
}
