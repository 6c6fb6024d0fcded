package io.github.mixtral4j.train.data;

import io.github.mixtral4j.train.TrainException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.zip.CRC32C;

/// The lines of a JSONL file, by number. Knows where each line stands, sixteen bytes a line, and reads it
/// when it is asked for, so that a file may be larger than memory. Lines of white space are passed over.
final class JsonLines implements AutoCloseable {
    /// No sample comes near; a longer line is a file without line breaks.
    private static final int MAX_LINE_BYTES = 64 << 20;

    private final Path file;
    private final FileChannel channel;
    private long[] starts = new long[1024];
    private int[] lengths = new int[1024];
    private int[] numbers = new int[1024];
    private int size;
    private final CRC32C checksum = new CRC32C();

    private JsonLines(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    /// Opens a file and finds its lines.
    ///
    /// @throws TrainException if it is not a regular file, or a line is beyond all measure
    static JsonLines open(Path file) throws IOException {
        if (Files.exists(file) && !Files.isRegularFile(file)) {
            throw new TrainException(file + ": not a regular file; expected samples in JSONL");
        }
        JsonLines lines = new JsonLines(file, FileChannel.open(file, StandardOpenOption.READ));
        try {
            lines.index();
            return lines;
        } catch (Throwable e) {
            lines.close();
            throw e;
        }
    }

    private void index() throws IOException {
        byte[] buffer = new byte[1 << 20];
        long position = 0;
        long start = 0;
        int number = 1;
        boolean blank = true;
        try (InputStream in = Files.newInputStream(file)) {
            for (int n = in.read(buffer); n > 0; n = in.read(buffer)) {
                checksum.update(buffer, 0, n);
                for (int i = 0; i < n; i++) {
                    byte b = buffer[i];
                    if (b == '\n') {
                        add(start, position + i, number++, blank);
                        start = position + i + 1;
                        blank = true;
                    } else if (b != ' ' && b != '\t' && b != '\r') {
                        blank = false;
                    }
                }
                position += n;
            }
        }
        add(start, position, number, blank);
    }

    private void add(long start, long end, int number, boolean blank) {
        if (blank) {
            return;
        }
        if (end - start > MAX_LINE_BYTES) {
            throw new TrainException(file + ":" + number + ": a line of " + (end - start)
                    + " bytes; expected one JSON object a line, of at most " + MAX_LINE_BYTES);
        }
        if (size == starts.length) {
            starts = Arrays.copyOf(starts, 2 * size);
            lengths = Arrays.copyOf(lengths, 2 * size);
            numbers = Arrays.copyOf(numbers, 2 * size);
        }
        starts[size] = start;
        lengths[size] = (int) (end - start);
        numbers[size++] = number;
    }

    /// The file.
    Path file() {
        return file;
    }

    /// CRC-32C of the whole file.
    long checksum() {
        return checksum.getValue();
    }

    /// Lines that are not blank.
    int size() {
        return size;
    }

    /// `file:number` of a line, for messages.
    String at(int line) {
        return file + ":" + numbers[line];
    }

    /// The text of a line.
    ///
    /// @throws TrainException if it is not UTF-8, or the file has become shorter
    String read(int line) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(lengths[line]);
        while (bytes.hasRemaining()) {
            if (channel.read(bytes, starts[line] + bytes.position()) < 0) {
                throw new TrainException(at(line) + ": the file became shorter while it was in use");
            }
        }
        try {
            String text =
                    StandardCharsets.UTF_8.newDecoder().decode(bytes.flip()).toString();
            // Some editors begin a file with a byte order mark.
            return text.startsWith("\ufeff") ? text.substring(1) : text;
        } catch (CharacterCodingException e) {
            throw new TrainException(at(line) + ": not text in UTF-8", e);
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
