package io.github.mixtral4j.kernel;

import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.tensor.Tensor;
import java.util.List;

/// The hot loops of the model. [ScalarKernels] defines what each means; [VectorKernels] is the same, faster, and
/// [NativeKernels] faster still where there is C for the processor.
///
/// A kernels object owns its worker threads and scratch memory and runs one operation at a time: calls from several
/// threads queue. Results do not depend on the number of threads. Shapes that do not fit are refused with an
/// [IllegalArgumentException] where a kernel would else leave its memory; other rules are checked by `assert` only.
public sealed interface Kernels extends AutoCloseable permits ScalarKernels, VectorKernels, NativeKernels {
    /// Starts kernels of the chosen kind.
    ///
    /// @param threads threads of every parallel loop, at least 1
    /// @throws IllegalStateException if the kind was asked for by name and cannot run here
    /// @throws IllegalArgumentException if `MIXTRAL4J_ISA` in the environment names an instruction-set level for
    ///     [NativeKernels] that does not run here
    static Kernels create(KernelKind kind, int threads) {
        return switch (kind) {
            case SCALAR -> new ScalarKernels(threads);
            case VECTOR -> VectorSupport.require(threads);
            case NATIVE -> NativeSupport.require(threads);
            case AUTO -> NativeSupport.orVector(threads);
        };
    }

    /// What [KernelKind#AUTO] means on this machine when java has been started with the Vector API: `native` with its
    /// instruction-set level, or `vector` with the reason.
    ///
    /// @throws IllegalArgumentException as [#create] does
    static String describeAutomatic() {
        return NativeSupport.describeAutomatic();
    }

    /// `scalar`, `vector` or `native`.
    String name();

    /// What was chosen, for the start-up line: the name, the register width or instruction set, the threads.
    String description();

    /// Threads of every parallel loop.
    int threads();

    /// Decodes rows of a table: `out[i] = table[ids[i]]` for every row in use of `out`.
    void embed(Tensor table, int[] ids, Rows out);

    /// `y = x · wᵀ`. One row is decode, many rows are prefill; sets nothing but the elements of `y` in use.
    ///
    /// @param w `[n, k]`
    /// @param x `[rows, k]`
    /// @param y `[rows, n]`, rows in use as in `x`
    void matmul(Tensor w, Rows x, Rows y);

    /// Several products, in one parallel loop where that is faster. [#matmul(Tensor, Rows, Rows)] is
    /// [Precision#FINE].
    ///
    /// @param precision a permission: kernels may be more exact
    default void matmul(Products products, Precision precision) {
        for (int i = 0; i < products.size(); i++) {
            matmul(products.w(i), products.x(i), products.y(i));
        }
    }

    /// What products give backwards; none of them may read what another one writes.
    void backward(List<BackwardProduct> products);

    /// The loops that only training needs, on the same threads.
    TrainingOps training();

    /// `y = x / sqrt(mean(x²) + eps) * weight`, row by row, the mean in float64.
    ///
    /// @param weight one row
    /// Source: Zhang and Sennrich 2019, "Root Mean Square Layer Normalization", eq. 4.
    void rmsNorm(Rows x, Rows weight, float eps, Rows y);

    /// `gate = silu(gate) * up`, element by element, in place; `silu(z) = z / (1 + e^-z)`.
    ///
    /// Source: Shazeer 2020, "GLU Variants Improve Transformer", eq. 6.
    void swiglu(Rows gate, Rows up);

    /// `x += y`, element by element.
    void add(Rows x, Rows y);

    /// Causal attention of every row over its own sequence's cache: softmax of `q · k / sqrt(headDim)` over the
    /// positions up to and including the row's own, then the weighted sum of the values. Each key and value head
    /// serves `numHeads / numKvHeads` consecutive query heads (Ainslie et al. 2023, "GQA").
    ///
    /// @param q `[rows, numHeads * headDim]`, already rotated
    /// @param positions position of each row; its keys and values are in the cache already
    /// @param sequences cache sequence of each row; rows of a sequence stand together
    /// @param out `[rows, numHeads * headDim]`
    void attend(Rows q, PagedKv kv, int layer, int[] positions, int[] sequences, Rows out);

    /// Ends the worker threads and frees the scratch memory.
    @Override
    void close();
}
