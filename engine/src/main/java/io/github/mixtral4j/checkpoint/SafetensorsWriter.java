package io.github.mixtral4j.checkpoint;

import io.github.mixtral4j.tensor.DType;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.json.JsonFactory;

/// Writes safetensors files as [SafetensorsHeader] describes them. The file appears under its name when it is complete
/// and on the disk, as with [GgufWriter].
public final class SafetensorsWriter {
    private static final JsonFactory FACTORY = JsonFactory.builder().build();

    private SafetensorsWriter() {}

    /// Writes a file, replacing one of this name when complete.
    ///
    /// @param metadata texts for `__metadata__`; Hugging Face's tools want `"format": "pt"`
    /// @param tensors in the order to write, of F32, F16 or BF16
    /// @param threads how many tensors are produced at once
    /// @throws IllegalArgumentException if a tensor has another format or its name is used twice, or the
    ///     source writes more or less than a tensor has
    /// @throws IOException if the disk is full or the folder cannot be written
    public static void write(
            Path file, Map<String, String> metadata, List<TensorInfo> tensors, int threads, TensorSource source)
            throws IOException {
        if (threads < 1) {
            throw new IllegalArgumentException("threads must be positive, got " + threads);
        }
        check(Names.file(file), tensors);
        long[] offsets = new long[tensors.size()];
        long dataBytes = 0;
        for (int i = 0; i < offsets.length; i++) {
            offsets[i] = dataBytes;
            dataBytes = Math.addExact(dataBytes, tensors.get(i).bytes());
        }
        byte[] header = header(metadata, tensors, offsets);
        new TensorFile(header, header.length, tensors, offsets, dataBytes).write(file, threads, source);
    }

    private static void check(String file, List<TensorInfo> tensors) {
        Set<String> names = new HashSet<>();
        for (TensorInfo tensor : tensors) {
            if (!names.add(tensor.name())) {
                throw new IllegalArgumentException("tensor " + tensor.name() + " is given twice");
            }
            if (tensor.dtype().isQuantized()) {
                throw new IllegalArgumentException(
                        tensor.name() + ": safetensors hold F32, F16 and BF16, got " + tensor.dtype());
            }
            try {
                Names.check(file, "tensor name", tensor.name());
            } catch (CheckpointException e) {
                // What a reader would say of the file is here about the caller's value.
                throw new IllegalArgumentException(e.getMessage(), e);
            }
        }
    }

    /// The length, the JSON, and spaces to the next multiple of 8 bytes, so that tensors of F32 are aligned.
    private static byte[] header(Map<String, String> metadata, List<TensorInfo> tensors, long[] offsets) {
        ByteArrayOutputStream json = new ByteArrayOutputStream();
        try (JsonGenerator out = FACTORY.createGenerator(json)) {
            out.writeStartObject();
            if (!metadata.isEmpty()) {
                out.writeObjectPropertyStart(SafetensorsHeader.METADATA);
                metadata.forEach(out::writeStringProperty);
                out.writeEndObject();
            }
            for (int i = 0; i < offsets.length; i++) {
                entry(out, tensors.get(i), offsets[i]);
            }
            out.writeEndObject();
        }
        while (json.size() % Long.BYTES != 0) {
            json.write(' ');
        }
        return ByteBuffer.allocate(Long.BYTES + json.size())
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(json.size())
                .put(json.toByteArray())
                .array();
    }

    private static void entry(JsonGenerator out, TensorInfo tensor, long offset) {
        DType dtype = tensor.dtype();
        out.writeObjectPropertyStart(tensor.name());
        out.writeStringProperty("dtype", dtype.name());
        out.writeArrayPropertyStart("shape");
        for (int d = 0; d < tensor.shape().rank(); d++) {
            out.writeNumber(tensor.shape().dim(d));
        }
        out.writeEndArray();
        out.writeArrayPropertyStart("data_offsets");
        out.writeNumber(offset);
        out.writeNumber(offset + tensor.bytes());
        out.writeEndArray();
        out.writeEndObject();
    }
}
