package io.github.mixtral4j.checkpoint;

import java.io.IOException;

/// Produces the data of the tensors that a writer puts into a file.
@FunctionalInterface
public interface TensorSource {
    /// Writes all bytes of a tensor to `sink`. Called once for each tensor, from several threads at once when the
    /// writer was given more than one.
    void write(TensorInfo tensor, TensorSink sink) throws IOException;
}
