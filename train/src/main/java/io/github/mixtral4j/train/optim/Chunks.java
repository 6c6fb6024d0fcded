package io.github.mixtral4j.train.optim;

import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.train.model.Parameter;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/// Parameters cut into pieces that threads share. Where the cuts are depends on the shapes alone, so a sum
/// over chunks in their order is the same for any number of threads.
final class Chunks {
    /// Floats of a chunk: four arrays of them fit into a core's second-level cache.
    static final int LENGTH = 1 << 14;

    /// @param parameter index of the parameter
    /// @param offset its first float
    /// @param length floats, at most [#LENGTH]
    record Chunk(int parameter, long offset, int length) {
        /// Reads this chunk of a matrix as large as the parameter.
        void load(Rows from, float[] to) {
            MemorySegment.copy(from.data(), Rows.FLOAT, offset * Float.BYTES, to, 0, length);
        }

        /// Writes this chunk of a matrix as large as the parameter.
        void store(float[] from, Rows to) {
            MemorySegment.copy(from, 0, to.data(), Rows.FLOAT, offset * Float.BYTES, length);
        }
    }

    private Chunks() {}

    static List<Chunk> of(List<Parameter> parameters) {
        List<Chunk> chunks = new ArrayList<>();
        for (int p = 0; p < parameters.size(); p++) {
            long size = (long) parameters.get(p).rows() * parameters.get(p).cols();
            for (long offset = 0; offset < size; offset += LENGTH) {
                chunks.add(new Chunk(p, offset, (int) Math.min(LENGTH, size - offset)));
            }
        }
        return chunks;
    }
}
