package io.github.mixtral4j.kernel;

/// One row of activations as a [VectorFormat] wants it: floats, or bytes with sums over parts of the row.
///
/// Arrays on the heap, not memory segments, and small enough to stay in the first-level cache: C2 proves the bounds of
/// a loop over an array once, where a segment costs checks and a liveness test at every load, and weights remain the
/// only segment of the inner loop.
final class Activations {
    private float[] floats = {};
    private byte[] bytes = {};
    private float[] sums = {};

    /// Floats, at least as many as asked for; what was in them is lost when they grow.
    float[] floats(int count) {
        if (floats.length < count) {
            floats = new float[count];
        }
        return floats;
    }

    /// Quantized activations, at least as many as asked for; what was in them is lost when they grow.
    byte[] bytes(int count) {
        if (bytes.length < count) {
            bytes = new byte[count];
        }
        return bytes;
    }

    /// Scales and sums, at least as many as asked for and a register more, so that the last ones can be loaded as part
    /// of one; what was in them is lost when they grow.
    float[] sums(int count) {
        if (sums.length < count + Lanes.COUNT) {
            sums = new float[count + Lanes.COUNT];
        }
        return sums;
    }
}
