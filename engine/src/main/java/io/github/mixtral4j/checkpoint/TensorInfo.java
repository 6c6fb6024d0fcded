package io.github.mixtral4j.checkpoint;

import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Shape;

/// A tensor as a file's header describes it, without its bytes.
///
/// @param name the name in the file
/// @param dtype element encoding
/// @param shape extents, outermost first
public record TensorInfo(String name, DType dtype, Shape shape) {
    /// @throws IllegalArgumentException if a row is not a whole number of blocks, or the size does not fit a `long`
    public TensorInfo {
        try {
            long unused = Math.multiplyExact(shape.rows(), dtype.bytes(shape.cols()));
        } catch (ArithmeticException e) {
            throw new IllegalArgumentException(name + ": the size of " + dtype + " " + shape + " overflows", e);
        }
    }

    /// Bytes the tensor takes.
    public long bytes() {
        return shape.rows() * dtype.bytes(shape.cols());
    }
}
