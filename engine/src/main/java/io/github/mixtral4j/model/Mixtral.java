package io.github.mixtral4j.model;

import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.kernel.Precision;
import io.github.mixtral4j.kernel.Products;
import io.github.mixtral4j.model.ForwardObserver.Stage;
import io.github.mixtral4j.quant.BlockCodec;
import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/// The model: token ids in, logits out. Immutable and shareable; what changes is in the cache and the workspace.
///
/// Per layer, with `T` rows: `x += wo · attend(rope(wq · h), rope(wk · h), wv · h)` with `h = rmsNorm(x)`, then
/// `x += experts(rmsNorm(x))`.
///
/// Source: Jiang et al. 2024, "Mixtral of Experts"; Jiang et al. 2023, "Mistral 7B".
public final class Mixtral {
    private final MixtralConfig config;
    private final MixtralWeights weights;
    private final Kernels kernels;
    private final AdaptedMatmul linear;
    private final Rope rope;
    private final InMemoryExperts experts;
    private final List<Rows> attentionNorms = new ArrayList<>();
    private final List<Rows> ffnNorms = new ArrayList<>();
    private final Rows outputNorm;

    /// A model over borrowed weights and kernels.
    ///
    /// @param weights shapes as [MixtralConfig] says, validated by the loader
    public Mixtral(MixtralConfig config, MixtralWeights weights, Kernels kernels) {
        this(config, weights, kernels, List.of());
    }

    /// The same with adapters, which are added while the model runs; the weights stay untouched.
    ///
    /// @throws IllegalArgumentException if an adapter is not for a model of this shape
    public Mixtral(MixtralConfig config, MixtralWeights weights, Kernels kernels, List<Adapter> adapters) {
        this.config = config;
        this.weights = weights;
        this.kernels = kernels;
        rope = new Rope(config);
        linear = new AdaptedMatmul(kernels, Adaptation.of(config, weights, adapters));
        experts = new InMemoryExperts(kernels, linear);
        for (LayerWeights layer : weights.layers()) {
            attentionNorms.add(floats(layer.attentionNorm()));
            ffnNorms.add(floats(layer.ffnNorm()));
        }
        outputNorm = floats(weights.outputNorm());
    }

    /// Norm weights are a few kilobytes in whatever format the file has: expanded once, outside the heap.
    private static Rows floats(Tensor vector) {
        float[] values = new float[vector.cols()];
        BlockCodec.of(vector.dtype()).decode(vector.data(), 0, values, 0, values.length);
        Rows rows = Rows.allocate(Arena.ofAuto(), 1, values.length);
        MemorySegment.copy(values, 0, rows.data(), Rows.FLOAT, 0, values.length);
        return rows;
    }

    /// The architecture numbers.
    public MixtralConfig config() {
        return config;
    }

    /// Runs the rows of a batch: appends their keys and values to the cache and leaves the logits of
    /// `batch.logitRows()` in `work.logits()`, row by row.
    ///
    /// @throws IllegalArgumentException if a token id, a position or the batch's size does not fit
    /// @throws IllegalStateException if the cache is full; it is then unchanged
    public void forward(Batch batch, KvCache cache, Workspace work) {
        check(batch, work);
        cache.extend(batch);
        ForwardObserver observer = work.observer();
        Rows x = work.x().withCount(batch.size());
        kernels.embed(weights.embedding(), batch.tokens(), x);
        observer.stage(Stage.EMBEDDING, 0, x);
        rope.angles(batch.positions(), work.angles());
        for (int layer = 0; layer < config.numLayers(); layer++) {
            attention(layer, batch, cache, work);
            feedForward(layer, work);
        }
        logits(batch, work);
    }

    private void check(Batch batch, Workspace work) {
        if (batch.size() > work.maxRows()) {
            throw new IllegalArgumentException(
                    "a batch of " + batch.size() + " rows does not fit a workspace of " + work.maxRows());
        }
        for (int token : batch.tokens()) {
            if (token < 0 || token >= config.vocabSize()) {
                throw new IllegalArgumentException(
                        "token id " + token + " is outside the vocabulary of " + config.vocabSize());
            }
        }
    }

    private void attention(int layer, Batch batch, KvCache cache, Workspace work) {
        ForwardObserver observer = work.observer();
        LayerWeights w = weights.layers().get(layer);
        Rows x = work.x();
        Rows h = work.normed().withCount(x.count());
        Rows q = work.q().withCount(x.count());
        Rows k = work.k().withCount(x.count());
        Rows v = work.v().withCount(x.count());
        Rows heads = work.heads().withCount(x.count());
        Rows out = work.sublayer().withCount(x.count());

        kernels.rmsNorm(x, attentionNorms.get(layer), config.rmsNormEps(), h);
        observer.stage(Stage.ATTENTION_NORM, layer, h);
        Products products = work.products().clear();
        linear.multiply(products.add(w.wq(), h, q).add(w.wk(), h, k).add(w.wv(), h, v), Precision.FINE, work);
        rope.apply(q, work.angles());
        rope.apply(k, work.angles());
        observer.stage(Stage.QUERY, layer, q);
        observer.stage(Stage.KEY, layer, k);
        observer.stage(Stage.VALUE, layer, v);
        cache.store(layer, batch, k, v);
        kernels.attend(q, cache, layer, batch.positions(), batch.sequences(), heads);
        observer.stage(Stage.HEADS, layer, heads);
        linear.multiply(w.wo(), heads, out, work);
        kernels.add(x, out);
        observer.stage(Stage.ATTENTION, layer, x);
    }

    private void feedForward(int layer, Workspace work) {
        ForwardObserver observer = work.observer();
        Rows x = work.x();
        Rows h = work.normed().withCount(x.count());
        Rows out = work.sublayer().withCount(x.count());
        kernels.rmsNorm(x, ffnNorms.get(layer), config.rmsNormEps(), h);
        observer.stage(Stage.FFN_NORM, layer, h);
        switch (weights.layers().get(layer).feedForward()) {
            case MoeWeights moe -> {
                Rows routerLogits = work.routerLogits().withCount(x.count());
                linear.multiply(moe.router(), h, routerLogits, work);
                work.routing().route(routerLogits);
                observer.routing(layer, routerLogits, work.routing());
                experts.apply(moe, work.routing(), h, out, work);
            }
            case DenseWeights dense -> experts.swiglu(dense.swiglu(), h, out, work);
        }
        observer.stage(Stage.FFN, layer, out);
        kernels.add(x, out);
        observer.stage(Stage.BLOCK, layer, x);
    }

    private void logits(Batch batch, Workspace work) {
        Rows logits = work.logits();
        int[] wanted = batch.logitRows();
        logits.withCount(wanted.length);
        if (wanted.length == 0) {
            return;
        }
        Rows x = work.x();
        Rows chosen = work.sublayer().withCount(wanted.length);
        for (int i = 0; i < wanted.length; i++) {
            MemorySegment.copy(x.data(), x.offset(wanted[i]), chosen.data(), chosen.offset(i), x.rowBytes());
        }
        Rows h = work.normed().withCount(wanted.length);
        kernels.rmsNorm(chosen, outputNorm, config.rmsNormEps(), h);
        work.observer().stage(Stage.OUTPUT_NORM, config.numLayers(), h);
        kernels.matmul(weights.output(), h, logits);
    }
}
