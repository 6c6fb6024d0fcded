package io.github.mixtral4j.kernel;

import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.tensor.Tensor;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/// Matrix multiplication and attention in C, at the best instruction-set level of the processor; everything else as
/// [VectorKernels] does it.
///
/// The C functions work on the calling thread and on memory that Java owns, so threads and determinism are as in the
/// other kernels.
public final class NativeKernels implements Kernels {
    private final NativeLevel level;
    private final WorkerPool pool;
    private final Map<DType, VectorFormat> formats = new EnumMap<>(DType.class);
    private final NativeMatmul matmul;
    private final Products single = new Products();
    private final NativeAttention attention;
    private final VectorRowOps rowOps;
    private final FloatProducts floatProducts;
    private final Optional<NativeBackward> backward;
    private final TrainingOps training;

    /// Starts `threads - 1` worker threads.
    NativeKernels(NativeLevel level, int threads) {
        this.level = level;
        pool = new WorkerPool(threads);
        for (DType type : DType.values()) {
            formats.put(type, VectorFormat.of(type));
        }
        matmul = new NativeMatmul(level, pool);
        attention = new NativeAttention(level, pool);
        rowOps = new VectorRowOps(pool);
        floatProducts = new FloatProducts(pool);
        backward = level.gemmKn().map(gemm -> new NativeBackward(gemm, pool, formats, floatProducts));
        training = new VectorTrainingOps(pool);
    }

    @Override
    public String name() {
        return "native";
    }

    @Override
    public String description() {
        return "native " + level.name() + ", " + threads() + (threads() == 1 ? " thread" : " threads");
    }

    /// The C functions in use.
    NativeLevel level() {
        return level;
    }

    @Override
    public int threads() {
        return pool.threads();
    }

    @Override
    public synchronized void embed(Tensor table, int[] ids, Rows out) {
        rowOps.embed(table, Objects.requireNonNull(formats.get(table.dtype())), ids, out);
    }

    @Override
    public synchronized void matmul(Tensor w, Rows x, Rows y) {
        matmul.multiply(single.clear().add(w, x, y), Precision.FINE);
    }

    @Override
    public synchronized void matmul(Products products, Precision precision) {
        matmul.multiply(products, precision);
    }

    /// Levels that do not multiply bfloat16 leave it to Java.
    @Override
    public synchronized void backward(List<BackwardProduct> products) {
        if (backward.isPresent()) {
            backward.get().multiply(products);
        } else {
            products.forEach(product -> floatProducts.multiply(product, formats));
        }
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
        matmul.close();
        attention.close();
        backward.ifPresent(NativeBackward::close);
    }
}
