package io.github.mixtral4j.kernel;

import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.tensor.Tensor;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/// The operations of [ScalarKernels] on the Java Vector API, in registers of 128, 256 or 512 bits.
///
/// A few rows meet the quantized blocks themselves, quantized to 8 bits where that is faster ([VectorGemv], bound by
/// memory); for many rows each weight tile is expanded to float32 once ([VectorGemm], bound by arithmetic).
public final class VectorKernels implements Kernels {
    private final WorkerPool pool;
    private final Map<DType, VectorFormat> formats = new EnumMap<>(DType.class);
    private final VectorGemv gemv;
    private final VectorGemm gemm;
    private final VectorAttention attention;
    private final VectorRowOps rowOps;
    private final FloatProducts products;
    private final TrainingOps training;

    /// Starts `threads - 1` worker threads.
    public VectorKernels(int threads) {
        pool = new WorkerPool(threads);
        for (DType type : DType.values()) {
            formats.put(type, VectorFormat.of(type));
        }
        gemv = new VectorGemv(pool);
        gemm = new VectorGemm(pool);
        attention = new VectorAttention(pool);
        rowOps = new VectorRowOps(pool);
        products = new FloatProducts(pool);
        training = new VectorTrainingOps(pool);
    }

    @Override
    public String name() {
        return "vector";
    }

    @Override
    public String description() {
        return "vector, " + Lanes.BITS + " bits, " + threads() + (threads() == 1 ? " thread" : " threads");
    }

    @Override
    public int threads() {
        return pool.threads();
    }

    private VectorFormat format(Tensor w) {
        return Objects.requireNonNull(formats.get(w.dtype()));
    }

    @Override
    public synchronized void embed(Tensor table, int[] ids, Rows out) {
        rowOps.embed(table, format(table), ids, out);
    }

    @Override
    public synchronized void matmul(Tensor w, Rows x, Rows y) {
        assert w.cols() == x.cols() && w.rows() == y.cols() && x.count() == y.count();
        if (x.count() <= VectorGemv.MAX_ROWS) {
            gemv.multiply(w, format(w), x, y);
        } else if (x.count() >= FloatProducts.MANY_ROWS) {
            products.multiply(w, format(w), x, y);
        } else {
            gemm.multiply(w, format(w), x, y);
        }
    }

    @Override
    public synchronized void backward(List<BackwardProduct> list) {
        list.forEach(product -> products.multiply(product, formats));
    }

    @Override
    public TrainingOps training() {
        return training;
    }

    @Override
    public synchronized void rmsNorm(Rows x, Rows weight, float eps, Rows y) {
        rowOps.rmsNorm(x, weight, eps, y);
    }

    @Override
    public synchronized void swiglu(Rows gate, Rows up) {
        rowOps.swiglu(gate, up);
    }

    @Override
    public synchronized void add(Rows x, Rows y) {
        rowOps.add(x, y);
    }

    @Override
    public synchronized void attend(Rows q, PagedKv kv, int layer, int[] positions, int[] sequences, Rows out) {
        attention.attend(q, kv, layer, positions, sequences, out);
    }

    @Override
    public synchronized void close() {
        pool.close();
        gemm.close();
    }
}
