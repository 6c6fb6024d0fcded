package io.github.mixtral4j.checkpoint;

import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Shape;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// What one GGUF file says about itself, checked against the file's length.
///
/// ```
/// offset  bytes  what
///      0      4  "GGUF"
///      4      4  version, 2 or 3
///      8      8  number of tensors
///     16      8  number of metadata pairs
///     24         metadata: key, type (4), value                     (text: length (8), UTF-8)
///                tensors:  name, rank (4), extents (8 each, innermost first), ggml type (4), offset (8)
///                zeros up to the next multiple of general.alignment (32 when the key is absent)
///                data; tensor offsets count from here and are multiples of the alignment
/// ```
/// All integers are little-endian. Source: docs/gguf.md of ggml.
///
/// @param metadata the metadata pairs
/// @param tensors in the file's order
/// @param dataStart offset of the data in the file
record GgufHeader(GgufMetadata metadata, List<LocatedTensor> tensors, long dataStart) {
    /// Most tensors or metadata pairs accepted; 8x22B with one tensor per expert and matrix has 1739.
    static final int MAX_ENTRIES = 65_536;

    static final String ALIGNMENT = "general.alignment";
    static final int DEFAULT_ALIGNMENT = 32;

    /// "GGUF" as a little-endian integer.
    static final int MAGIC = 0x46554747;

    /// Extents per tensor: GGML_MAX_DIMS.
    static final int MAX_RANK = 4;

    /// Arrays in arrays; real files have none.
    private static final int MAX_DEPTH = 8;

    GgufHeader {
        tensors = List.copyOf(tensors);
    }

    /// End of the last tensor's bytes, or [#dataStart()] if there is none.
    long dataEnd() {
        return tensors.stream().mapToLong(LocatedTensor::end).max().orElse(dataStart);
    }

    /// Reads and checks the header of a mapped file.
    ///
    /// @param file name of the file, for messages
    /// @throws CheckpointException if anything is wrong with it
    static GgufHeader parse(String file, MemorySegment bytes) {
        GgufCursor in = new GgufCursor(file, bytes);
        checkMagic(in);
        long tensorCount = entries(in, "number of tensors", 24);
        long pairCount = entries(in, "number of metadata pairs", 13);
        GgufMetadata metadata = readMetadata(in, pairCount);
        long alignment = alignment(file, metadata);
        List<LocatedTensor> relative = readTensors(in, tensorCount, alignment);
        // A file of metadata alone, such as the first shard of some models, may end before its padding does.
        long dataStart = Math.min(align(in.position(), alignment), bytes.byteSize());
        List<LocatedTensor> located = locate(file, relative, dataStart, bytes.byteSize());
        checkOverlap(file, located);
        return new GgufHeader(metadata, located, dataStart);
    }

    private static void checkMagic(GgufCursor in) {
        int magic = in.remaining() < Integer.BYTES ? 0 : in.int32("magic");
        if (magic != MAGIC) {
            throw new CheckpointException(in.file() + ": not a GGUF file: it does not start with \"GGUF\"");
        }
        int version = in.int32("version");
        if (version != 2 && version != 3) {
            boolean bigEndian = version != 0 && (version & 0xFFFF) == 0;
            throw new CheckpointException(in.file()
                    + (bigEndian
                            ? ": the file is big-endian; this engine reads little-endian GGUF"
                            : ": GGUF version " + Integer.toUnsignedString(version)
                                    + "; this engine reads versions 2 and 3"));
        }
    }

    private static long entries(GgufCursor in, String what, long minBytes) {
        long count = in.count(what, minBytes);
        if (count > MAX_ENTRIES) {
            throw new CheckpointException(
                    in.file() + ": " + what + " is " + count + ", at most " + MAX_ENTRIES + " are expected");
        }
        return count;
    }

    private static GgufMetadata readMetadata(GgufCursor in, long count) {
        Map<String, GgufValue> values = new LinkedHashMap<>();
        for (long i = 0; i < count; i++) {
            String key = Names.check(in.file(), "metadata key", in.text("metadata key " + i));
            String what = "metadata key " + key;
            GgufValue value = readValue(in, what, readType(in, what), 0);
            if (values.put(key, value) != null) {
                throw new CheckpointException(in.file() + ": metadata key " + key + " occurs twice");
            }
        }
        return new GgufMetadata(in.file(), values);
    }

    private static GgufType readType(GgufCursor in, String what) {
        int id = in.int32(what);
        return GgufType.ofId(id)
                .orElseThrow(() -> new CheckpointException(in.file() + ": " + what + ": expected a type of"
                        + " 0 to 12, found " + Integer.toUnsignedString(id)));
    }

    private static GgufValue readValue(GgufCursor in, String what, GgufType type, int depth) {
        return switch (type) {
            case UINT8 -> new GgufValue.Int(type, Byte.toUnsignedLong(in.int8(what)));
            case INT8 -> new GgufValue.Int(type, in.int8(what));
            case UINT16 -> new GgufValue.Int(type, Short.toUnsignedLong(in.int16(what)));
            case INT16 -> new GgufValue.Int(type, in.int16(what));
            case UINT32 -> new GgufValue.Int(type, Integer.toUnsignedLong(in.int32(what)));
            case INT32 -> new GgufValue.Int(type, in.int32(what));
            case UINT64, INT64 -> new GgufValue.Int(type, in.int64(what));
            case FLOAT32 -> new GgufValue.Real(type, Float.intBitsToFloat(in.int32(what)));
            case FLOAT64 -> new GgufValue.Real(type, Double.longBitsToDouble(in.int64(what)));
            case BOOL -> readBool(in, what);
            case STRING -> new GgufValue.Text(in.text(what));
            case ARRAY -> readArray(in, what, depth + 1);
        };
    }

    private static GgufValue readBool(GgufCursor in, String what) {
        byte value = in.int8(what);
        if (value != 0 && value != 1) {
            throw new CheckpointException(in.file() + ": " + what + ": expected 0 or 1 for a truth value, found "
                    + Byte.toUnsignedInt(value));
        }
        return new GgufValue.Bool(value == 1);
    }

    private static GgufValue readArray(GgufCursor in, String what, int depth) {
        if (depth > MAX_DEPTH) {
            throw new CheckpointException(in.file() + ": " + what + ": arrays nest deeper than " + MAX_DEPTH);
        }
        GgufType elementType = readType(in, what);
        long count = in.count(what, elementType.minBytes());
        in.keep(what, count);
        List<GgufValue> elements = new ArrayList<>((int) count);
        for (long i = 0; i < count; i++) {
            elements.add(readValue(in, what, elementType, depth));
        }
        return new GgufValue.Array(elementType, elements);
    }

    /// What tensors are padded to.
    static long alignment(String file, GgufMetadata metadata) {
        long alignment = metadata.has(ALIGNMENT) ? metadata.integer(ALIGNMENT) : DEFAULT_ALIGNMENT;
        if (alignment <= 0 || alignment > 1L << 30 || Long.bitCount(alignment) != 1) {
            throw new CheckpointException(
                    file + ": " + ALIGNMENT + " must be a power of two up to 2^30, found " + alignment);
        }
        return alignment;
    }

    /// The next multiple of `alignment` from `position` on.
    static long align(long position, long alignment) {
        return Math.multiplyExact(Math.ceilDiv(position, alignment), alignment);
    }

    /// The tensors with offsets as the file gives them: relative to the data.
    private static List<LocatedTensor> readTensors(GgufCursor in, long count, long alignment) {
        List<LocatedTensor> tensors = new ArrayList<>((int) count);
        Set<String> names = new HashSet<>();
        for (long i = 0; i < count; i++) {
            String name = Names.check(in.file(), "tensor name", in.text("name of tensor " + i));
            if (!names.add(name)) {
                throw new CheckpointException(in.file() + ": tensor " + name + " occurs twice");
            }
            String where = in.file() + ": " + name + ": ";
            int[] extents = readExtents(in, name, where);
            DType dtype = GgmlTypes.dtype(where, in.int32("type of " + name));
            TensorInfo info = info(where, name, dtype, extents);
            long offset = in.int64("offset of " + name);
            if (offset < 0 || offset % alignment != 0) {
                throw new CheckpointException(where + "expected an offset that is a multiple of " + alignment
                        + ", found " + Long.toUnsignedString(offset));
            }
            tensors.add(new LocatedTensor(info, offset));
        }
        return tensors;
    }

    /// Extents outermost first; the file has them innermost first.
    private static int[] readExtents(GgufCursor in, String name, String where) {
        int rank = in.int32("rank of " + name);
        if (rank < 1 || rank > MAX_RANK) {
            throw new CheckpointException(
                    where + "expected 1 to " + MAX_RANK + " dimensions, found " + Integer.toUnsignedString(rank));
        }
        int[] extents = new int[rank];
        for (int i = rank - 1; i >= 0; i--) {
            long extent = in.int64("dimensions of " + name);
            if (extent < 1 || extent > Integer.MAX_VALUE) {
                throw new CheckpointException(where + "expected dimensions of 1 to " + Integer.MAX_VALUE + ", found "
                        + Long.toUnsignedString(extent));
            }
            extents[i] = (int) extent;
        }
        return extents;
    }

    private static TensorInfo info(String where, String name, DType dtype, int[] extents) {
        int cols = extents[extents.length - 1];
        if (cols % dtype.blockElements() != 0) {
            throw new CheckpointException(
                    where + dtype + " stores blocks of " + dtype.blockElements() + " elements, found rows of " + cols);
        }
        try {
            return new TensorInfo(name, dtype, Shape.of(extents));
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw new CheckpointException(
                    where + "the size of " + dtype + " " + Arrays.toString(extents) + " overflows", e);
        }
    }

    private static List<LocatedTensor> locate(
            String file, List<LocatedTensor> relative, long dataStart, long fileBytes) {
        List<LocatedTensor> located = new ArrayList<>(relative.size());
        for (LocatedTensor tensor : relative) {
            TensorInfo info = tensor.info();
            // Subtracting keeps clear of overflow: offset and size may each be close to 2^63.
            long available = Math.max(0, fileBytes - dataStart - Math.min(tensor.offset(), fileBytes));
            if (info.bytes() > available) {
                throw new CheckpointException(file + ": " + info.name() + ": " + info.dtype() + " " + info.shape()
                        + " needs " + info.bytes() + " bytes, got " + available + " (" + file + " truncated?)");
            }
            located.add(new LocatedTensor(info, dataStart + tensor.offset()));
        }
        return located;
    }

    private static void checkOverlap(String file, List<LocatedTensor> tensors) {
        List<LocatedTensor> ascending = tensors.stream()
                .sorted(Comparator.comparingLong(LocatedTensor::offset))
                .toList();
        for (int i = 1; i < ascending.size(); i++) {
            LocatedTensor before = ascending.get(i - 1);
            LocatedTensor after = ascending.get(i);
            if (after.offset() < before.end()) {
                throw new CheckpointException(file + ": " + after.info().name() + " overlaps "
                        + before.info().name() + ": it starts at " + after.offset() + ", the other ends at "
                        + before.end());
            }
        }
    }
}
