package io.github.mixtral4j.testkit;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/// The tensors of a checkpoint as they stand in its files. Reads small, trusted GGUF and safetensors files, without the
/// engine's loaders.
///
/// @param byName in file order
///
/// Source: the GGUF specification (ggml, docs/gguf.md) and the safetensors format description.
public record RawTensors(Map<String, RawTensor> byName) {
    /// The tensor of this name.
    ///
    /// @throws IllegalArgumentException if there is none
    public RawTensor get(String name) {
        RawTensor tensor = byName.get(name);
        if (tensor == null) {
            throw new IllegalArgumentException("no tensor \"" + name + "\" among " + byName.keySet());
        }
        return tensor;
    }

    /// All tensors of a GGUF file of version 2 or 3, in file order.
    public static RawTensors readGguf(Path file) throws IOException {
        ByteBuffer in = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        in.position(8);
        int tensorCount = (int) in.getLong();
        int keyCount = (int) in.getLong();
        int alignment = 32;
        for (int i = 0; i < keyCount; i++) {
            String key = ggufString(in);
            int type = in.getInt();
            if (key.equals("general.alignment")) {
                alignment = in.getInt(in.position());
            }
            skip(in, type);
        }
        record Entry(String name, int[] dims, BlockFormat format, long offset) {}
        Entry[] entries = new Entry[tensorCount];
        for (int i = 0; i < tensorCount; i++) {
            String name = ggufString(in);
            int[] dims = new int[in.getInt()];
            for (int d = dims.length - 1; d >= 0; d--) {
                dims[d] = (int) in.getLong();
            }
            entries[i] = new Entry(name, dims, BlockFormat.ofGgufType(in.getInt()), in.getLong());
        }
        int data = (in.position() + alignment - 1) / alignment * alignment;
        Map<String, RawTensor> tensors = new LinkedHashMap<>();
        for (Entry e : entries) {
            int rows = 1;
            for (int d = 0; d < e.dims.length - 1; d++) {
                rows *= e.dims[d];
            }
            byte[] bytes = new byte[rows * e.format.rowBytes(e.dims[e.dims.length - 1])];
            in.get(data + (int) e.offset, bytes);
            tensors.put(e.name, new RawTensor(e.name, e.format, e.dims, bytes));
        }
        return new RawTensors(tensors);
    }

    /// All tensors of safetensors files, such as the shards of a checkpoint.
    public static RawTensors readSafetensors(Path... files) throws IOException {
        Map<String, RawTensor> tensors = new LinkedHashMap<>();
        for (Path file : files) {
            ByteBuffer in = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
            byte[] header = new byte[(int) in.getLong()];
            in.get(header);
            int data = in.position();
            Map<String, Object> entries = MiniJson.object(MiniJson.parse(new String(header, StandardCharsets.UTF_8)));
            entries.remove("__metadata__");
            entries.forEach((name, entry) -> {
                int[] range = MiniJson.ints(MiniJson.get(entry, "data_offsets"));
                byte[] bytes = new byte[range[1] - range[0]];
                in.get(data + range[0], bytes);
                BlockFormat format = BlockFormat.valueOf((String) MiniJson.get(entry, "dtype"));
                tensors.put(name, new RawTensor(name, format, MiniJson.ints(MiniJson.get(entry, "shape")), bytes));
            });
        }
        return new RawTensors(tensors);
    }

    private static String ggufString(ByteBuffer in) {
        byte[] bytes = new byte[(int) in.getLong()];
        in.get(bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private static void skip(ByteBuffer in, int type) {
        switch (type) {
            case 0, 1, 7 -> in.get();
            case 2, 3 -> in.getShort();
            case 4, 5, 6 -> in.getInt();
            case 8 -> ggufString(in);
            case 9 -> {
                int elementType = in.getInt();
                for (long left = in.getLong(); left > 0; left--) {
                    skip(in, elementType);
                }
            }
            case 10, 11, 12 -> in.getLong();
            default -> throw new IllegalArgumentException("unknown metadata type " + type);
        }
    }
}
