package io.github.mixtral4j.checkpoint;

import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Shape;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/// What one safetensors file says about itself, checked against the file's length.
///
/// ```
/// offset  bytes  what
///      0      8  length n of the header, little-endian
///      8      n  {"name": {"dtype": "BF16", "shape": [4096, 4096], "data_offsets": [begin, end]}, …,
///                 "__metadata__": {text: text, …}}, then spaces
///  8 + n         data; offsets count from here and cover it without holes or overlaps
/// ```
/// Source: the format section of the safetensors README.
///
/// @param tensors those this engine can read, in the file's order
/// @param refused name of each other tensor, and the message for whoever asks for it
/// @param dataStart offset of the data in the file
record SafetensorsHeader(List<LocatedTensor> tensors, Map<String, String> refused, long dataStart) {
    /// The limit of the reference implementation.
    private static final long MAX_HEADER_BYTES = 100_000_000;

    private static final int MAX_RANK = 8;
    static final String METADATA = "__metadata__";
    private static final Map<String, DType> READABLE = Map.of("F32", DType.F32, "F16", DType.F16, "BF16", DType.BF16);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /// One tensor as the header has it; the offsets count from the start of the data.
    private record Entry(String name, String dtype, List<Long> shape, long begin, long end) {}

    SafetensorsHeader {
        tensors = List.copyOf(tensors);
        refused = Map.copyOf(refused);
    }

    /// Reads and checks the header of a mapped file.
    ///
    /// @param file name of the file, for messages
    /// @throws CheckpointException if anything is wrong with it
    static SafetensorsHeader parse(String file, MemorySegment bytes) {
        long size = bytes.byteSize();
        if (size < Long.BYTES + 2) {
            throw new CheckpointException(file + ": not a safetensors file: only " + size + " bytes (truncated?)");
        }
        long length = bytes.get(LONG, 0);
        if (length < 2 || length > Math.min(MAX_HEADER_BYTES, size - Long.BYTES)) {
            throw new CheckpointException(file + ": not a safetensors file, or truncated: the header is said to have "
                    + Long.toUnsignedString(length) + " bytes; expected 2 to "
                    + Math.min(MAX_HEADER_BYTES, size - Long.BYTES));
        }
        byte[] json = bytes.asSlice(Long.BYTES, length).toArray(ValueLayout.JAVA_BYTE);
        if (json[0] != '{') {
            throw new CheckpointException(file + ": not a safetensors file: the header does not start with \"{\"");
        }
        List<Entry> entries = Json.stream(file, json, in -> readEntries(file, in));
        long dataStart = Long.BYTES + length;
        checkCover(file, entries, size - dataStart);
        List<LocatedTensor> tensors = new ArrayList<>();
        Map<String, String> refused = new HashMap<>();
        for (Entry entry : entries) {
            String where = file + ": " + entry.name() + ": ";
            DType dtype = READABLE.get(entry.dtype());
            if (dtype == null) {
                refused.put(entry.name(), where + entry.dtype() + " cannot be read; expected F32, F16 or BF16");
            } else if (entry.shape().isEmpty()) {
                refused.put(entry.name(), where + "a single number; expected a vector or a matrix");
            } else if (entry.shape().contains(0L)) {
                refused.put(entry.name(), where + "expected positive dimensions, found " + entry.shape());
            } else {
                TensorInfo info = new TensorInfo(entry.name(), dtype, shape(where, dtype, entry));
                tensors.add(new LocatedTensor(info, dataStart + entry.begin()));
            }
        }
        return new SafetensorsHeader(tensors, refused, dataStart);
    }

    private static List<Entry> readEntries(String file, JsonParser in) {
        List<Entry> entries = new ArrayList<>();
        Set<String> names = new HashSet<>();
        while (in.nextToken() != JsonToken.END_OBJECT) {
            String name = Names.check(file, "tensor name", in.currentName());
            if (!names.add(name)) {
                throw new CheckpointException(file + ": tensor " + name + " occurs twice");
            }
            if (names.size() > GgufHeader.MAX_ENTRIES) {
                throw new CheckpointException(
                        file + ": more than " + GgufHeader.MAX_ENTRIES + " tensors, which cannot be right");
            }
            Json.expect(file, name, in, in.nextToken(), JsonToken.START_OBJECT);
            if (name.equals(METADATA)) {
                skipMetadata(file, in);
            } else {
                entries.add(readEntry(file, name, in));
            }
        }
        return entries;
    }

    private static void skipMetadata(String file, JsonParser in) {
        while (in.nextToken() != JsonToken.END_OBJECT) {
            Json.expect(file, METADATA, in, in.nextToken(), JsonToken.VALUE_STRING);
        }
    }

    private static Entry readEntry(String file, String name, JsonParser in) {
        String where = file + ": " + name + ": ";
        String dtype = "";
        List<Long> shape = List.of();
        List<Long> offsets = List.of();
        Set<String> fields = new LinkedHashSet<>();
        while (in.nextToken() != JsonToken.END_OBJECT) {
            String field = in.currentName();
            JsonToken value = in.nextToken();
            switch (field) {
                case "dtype" -> {
                    Json.expect(file, name + ": dtype", in, value, JsonToken.VALUE_STRING);
                    dtype = Names.check(file, "dtype", in.getString());
                }
                case "shape" -> shape = readLongs(file, name + ": shape", in);
                case "data_offsets" -> offsets = readLongs(file, name + ": data_offsets", in);
                default ->
                    throw new CheckpointException(
                            where + "expected dtype, shape and data_offsets, found " + Names.quote(field));
            }
            if (!fields.add(field)) {
                throw new CheckpointException(where + field + " occurs twice");
            }
        }
        if (fields.size() != 3) {
            throw new CheckpointException(where + "expected dtype, shape and data_offsets, found " + fields);
        }
        if (offsets.size() != 2 || offsets.get(0) > offsets.get(1)) {
            throw new CheckpointException(where + "expected data_offsets [begin, end], found " + offsets);
        }
        return new Entry(name, dtype, shape, offsets.get(0), offsets.get(1));
    }

    /// A short array of numbers from 0.
    private static List<Long> readLongs(String file, String what, JsonParser in) {
        Json.expect(file, what, in, in.currentToken(), JsonToken.START_ARRAY);
        List<Long> values = new ArrayList<>();
        while (in.nextToken() != JsonToken.END_ARRAY) {
            Json.expect(file, what, in, in.currentToken(), JsonToken.VALUE_NUMBER_INT);
            long value = in.getLongValue();
            if (value < 0) {
                throw new CheckpointException(file + ": " + what + ": expected numbers from 0, found " + value);
            }
            if (values.size() == MAX_RANK) {
                throw new CheckpointException(file + ": " + what + ": more than " + MAX_RANK + " numbers");
            }
            values.add(value);
        }
        return values;
    }

    /// The shape, if it takes as many bytes as the entry has.
    private static Shape shape(String where, DType dtype, Entry entry) {
        long bytes = dtype.blockBytes();
        int[] extents = new int[entry.shape().size()];
        try {
            for (int i = 0; i < extents.length; i++) {
                extents[i] = Math.toIntExact(entry.shape().get(i));
                bytes = Math.multiplyExact(bytes, (long) extents[i]);
            }
        } catch (ArithmeticException e) {
            throw new CheckpointException(where + "the size of " + dtype + " " + entry.shape() + " overflows", e);
        }
        if (bytes != entry.end() - entry.begin()) {
            throw new CheckpointException(where + dtype + " " + entry.shape() + " needs " + bytes + " bytes, got "
                    + (entry.end() - entry.begin()));
        }
        return Shape.of(extents);
    }

    /// Each byte of the data belongs to exactly one tensor.
    private static void checkCover(String file, List<Entry> entries, long dataBytes) {
        List<Entry> ascending = entries.stream()
                .sorted(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end))
                .toList();
        long covered = 0;
        String before = "";
        for (Entry entry : ascending) {
            String where = file + ": " + entry.name() + ": ";
            if (entry.end() > dataBytes) {
                throw new CheckpointException(where + "bytes " + entry.begin() + " to " + entry.end()
                        + " lie beyond the " + dataBytes + " bytes of data (truncated?)");
            }
            if (entry.begin() < covered) {
                throw new CheckpointException(where + "overlaps " + before + ": it starts at " + entry.begin()
                        + ", the other ends at " + covered);
            }
            if (entry.begin() > covered) {
                throw new CheckpointException(where + "bytes " + covered + " to " + entry.begin()
                        + " of the data before it belong to no tensor");
            }
            covered = entry.end();
            before = entry.name();
        }
        if (covered != dataBytes) {
            throw new CheckpointException(
                    file + ": bytes " + covered + " to " + dataBytes + " of the data belong to no tensor");
        }
    }
}
