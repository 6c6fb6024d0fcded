package io.github.mixtral4j.tensor;

import java.lang.foreign.MemorySegment;

/// Immutable view of weights. Borrows its bytes; whoever mapped or allocated them owns them, and closing the owner
/// invalidates the tensor.
///
/// @param name the tensor's name in its file, for messages
/// @param dtype element encoding
/// @param shape extents, outermost first; rows are contiguous and stored one after another without gaps
/// @param data exactly the tensor's bytes, little-endian
public record Tensor(String name, DType dtype, Shape shape, MemorySegment data) {
    /// @throws IllegalArgumentException if `data` has not exactly the bytes that dtype and shape ask for
    public Tensor {
        long expected = Math.multiplyExact(shape.rows(), dtype.bytes(shape.cols()));
        if (data.byteSize() != expected) {
            throw new IllegalArgumentException(
                    name + ": " + dtype + " " + shape + " needs " + expected + " bytes, got " + data.byteSize());
        }
    }

    /// Length of a row in elements: the input width of a weight matrix.
    public int cols() {
        return shape.cols();
    }

    /// Number of rows over all outer dimensions: the output width of a weight matrix.
    public int rows() {
        return Math.toIntExact(shape.rows());
    }

    /// Bytes of a row.
    public long rowBytes() {
        return dtype.bytes(shape.cols());
    }

    /// One matrix of a stack `[count, rows, cols]`, without a copy.
    public Tensor slice(int index) {
        if (shape.rank() != 3 || index < 0 || index >= shape.dim(0)) {
            throw new IllegalArgumentException(name + ": no matrix " + index + " in " + shape);
        }
        long bytes = data.byteSize() / shape.dim(0);
        return new Tensor(
                name + "[" + index + "]",
                dtype,
                Shape.matrix(shape.dim(1), shape.dim(2)),
                data.asSlice(index * bytes, bytes));
    }

    /// Rows `[from, to)` of a matrix, without a copy.
    public Tensor rows(int from, int to) {
        if (shape.rank() != 2 || from < 0 || from >= to || to > shape.dim(0)) {
            throw new IllegalArgumentException(name + ": no rows " + from + " to " + to + " in " + shape);
        }
        return new Tensor(
                name + "[" + from + ":" + to + "]",
                dtype,
                Shape.matrix(to - from, shape.cols()),
                data.asSlice(from * rowBytes(), (to - from) * rowBytes()));
    }
}
