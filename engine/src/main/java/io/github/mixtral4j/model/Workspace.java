package io.github.mixtral4j.model;

import io.github.mixtral4j.kernel.Products;
import io.github.mixtral4j.tensor.Rows;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;

/// Activations of one running batch: allocated once, reused for every step, so that a forward pass allocates nothing.
///
/// Owned by one loop. For 512 rows of 8x22B it takes about 200 MB, nearly all of it proportional to the rows; adapters
/// add up to 60 MB when they first run.
public final class Workspace implements AutoCloseable {
    private static final ForwardObserver NOBODY = new ForwardObserver() {};

    private final Arena arena = Arena.ofShared();
    private final int maxRows;
    private final Rows x;
    private final Rows normed;
    private final Rows q;
    private final Rows k;
    private final Rows v;
    private final Rows heads;
    private final Rows sublayer;
    private final Rows angles;
    private final Rows routerLogits;
    private final Routing routing;
    private final List<ExpertRows> experts = new ArrayList<>();
    private final Rows gate;
    private final Rows up;
    private final Rows logits;
    private final Products products = new Products();
    private final List<Rows> lowRank = new ArrayList<>();
    private final List<Rows> adapted = new ArrayList<>();
    private ForwardObserver observer = NOBODY;

    private Workspace(MixtralConfig c, int maxRows, int maxLogitRows) {
        this.maxRows = maxRows;
        x = Rows.allocate(arena, maxRows, c.hiddenSize());
        normed = Rows.allocate(arena, maxRows, c.hiddenSize());
        q = Rows.allocate(arena, maxRows, c.queryWidth());
        k = Rows.allocate(arena, maxRows, c.kvWidth());
        v = Rows.allocate(arena, maxRows, c.kvWidth());
        heads = Rows.allocate(arena, maxRows, c.queryWidth());
        sublayer = Rows.allocate(arena, maxRows, c.hiddenSize());
        angles = Rows.allocate(arena, maxRows, c.headDim());
        routerLogits = Rows.allocate(arena, maxRows, c.numExperts());
        routing = new Routing(maxRows, c.numExperts(), c.numExpertsPerToken());
        // Room for all rows at one expert, and for all experts of one row.
        int expertRows = Math.max(maxRows, c.numExpertsPerToken());
        Rows expertIn = Rows.allocate(arena, expertRows, c.hiddenSize());
        Rows expertOut = Rows.allocate(arena, expertRows, c.hiddenSize());
        gate = Rows.allocate(arena, expertRows, c.intermediateSize());
        up = Rows.allocate(arena, expertRows, c.intermediateSize());
        for (int e = 0; e < c.numExperts(); e++) {
            experts.add(new ExpertRows(expertIn.view(), gate.view(), up.view(), expertOut.view()));
        }
        logits = Rows.allocate(arena, maxLogitRows, c.vocabSize()).withCount(0);
    }

    /// Room for batches of up to `maxRows` rows of which up to `maxLogitRows` want logits.
    public static Workspace allocate(MixtralConfig config, int maxRows, int maxLogitRows) {
        if (maxRows < 1 || maxLogitRows < 1) {
            throw new IllegalArgumentException(
                    "a workspace needs at least 1 row and 1 logit row, got " + maxRows + " and " + maxLogitRows);
        }
        return new Workspace(config, maxRows, maxLogitRows);
    }

    /// Rows that a batch may have.
    public int maxRows() {
        return maxRows;
    }

    /// Logits of the last step, `[logitRows, vocabSize]`: row `i` belongs to `batch.logitRows()[i]`. Valid until
    /// the next step.
    public Rows logits() {
        return logits;
    }

    /// Lets `observer` look on from the next step on.
    public void observe(ForwardObserver observer) {
        this.observer = observer;
    }

    ForwardObserver observer() {
        return observer;
    }

    Rows x() {
        return x;
    }

    Rows normed() {
        return normed;
    }

    Rows q() {
        return q;
    }

    Rows k() {
        return k;
    }

    Rows v() {
        return v;
    }

    Rows heads() {
        return heads;
    }

    Rows sublayer() {
        return sublayer;
    }

    Rows angles() {
        return angles;
    }

    Rows routerLogits() {
        return routerLogits;
    }

    Routing routing() {
        return routing;
    }

    /// Rows of experts that are computed together.
    int expertCapacity() {
        return gate.capacity();
    }

    /// The part of the shared buffers that belongs to an expert, once it has been placed.
    ExpertRows expert(int e) {
        return experts.get(e);
    }

    /// For the products of a sub-layer.
    Products products() {
        return products;
    }

    Rows gate() {
        return gate;
    }

    Rows up() {
        return up;
    }

    /// What an adapter's first matrix gives, `[maxRows, rank]`.
    Rows lowRank(int rank) {
        return ofWidth(lowRank, rank);
    }

    /// What an adapter adds to a product, `[maxRows, cols]`.
    Rows adapted(int cols) {
        return ofWidth(adapted, cols);
    }

    /// The buffer of this width, made when it is first asked for: a model has a handful of widths, and without adapters
    /// none is needed.
    private Rows ofWidth(List<Rows> buffers, int cols) {
        for (int i = 0; i < buffers.size(); i++) { // no iterator: this runs in every product
            if (buffers.get(i).cols() == cols) {
                return buffers.get(i);
            }
        }
        Rows made = Rows.allocate(arena, maxRows, cols);
        buffers.add(made);
        return made;
    }

    /// Frees the buffers.
    @Override
    public void close() {
        arena.close();
    }
}
