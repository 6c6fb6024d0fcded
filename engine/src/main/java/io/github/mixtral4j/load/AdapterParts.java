package io.github.mixtral4j.load;

import io.github.mixtral4j.checkpoint.CheckpointException;
import io.github.mixtral4j.model.Adapter;
import io.github.mixtral4j.model.AdapterTarget;
import io.github.mixtral4j.model.LowRank;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.model.RopeLayout;
import io.github.mixtral4j.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;

/// Puts the pairs of matrices of an adapter together, each checked against the model.
final class AdapterParts {
    /// Beyond any rank that is low; the width of 8x22B.
    static final int MAX_RANK = 6144;

    private final String file;
    private final MixtralConfig base;
    private final RopeLayout rope;
    private final Map<AdapterTarget, LowRank> changes = new LinkedHashMap<>();

    /// @param file name of the adapter, for messages
    /// @param rope order of the rows of wq and wk that the adapter was made for
    AdapterParts(String file, MixtralConfig base, RopeLayout rope) {
        this.file = file;
        this.base = base;
        this.rope = rope;
    }

    /// Adds a pair.
    ///
    /// @param rank that both matrices must have
    /// @throws CheckpointException if a matrix has another shape than the model asks for, or the rank is
    ///     not low
    void add(AdapterTarget target, Tensor a, Tensor b, int rank, double scale) {
        if (rank > MAX_RANK) {
            throw new CheckpointException(
                    file + ": " + b.name() + ": expected a rank of at most " + MAX_RANK + ", found " + rank);
        }
        require(a, rank, target.cols(base), rank);
        require(b, target.rows(base), rank, rank);
        Tensor ordered = target.isRotated() ? RopeRows.reorder(b, base.headDim(), rope, base.rope()) : b;
        if (!Float.isFinite((float) scale)) {
            throw new CheckpointException(file + ": " + a.name() + ": expected a finite scale, found " + scale);
        }
        changes.put(target, new LowRank(a, ordered, (float) scale));
    }

    private void require(Tensor tensor, int rows, int cols, int rank) {
        boolean fits = tensor.shape().rank() == 2 && tensor.rows() == rows && tensor.cols() == cols;
        if (!fits) {
            throw new CheckpointException(file + ": " + tensor.name() + ": expected shape [" + rows + ", " + cols
                    + "] from the model and rank " + rank + ", found " + tensor.shape());
        }
    }

    /// An error about a tensor that belongs to no matrix an adapter can change.
    CheckpointException foreign(String tensor, String modules) {
        return new CheckpointException(file + ": " + tensor
                + " is of none of the matrices that an adapter can change here, in a model of " + base.numLayers()
                + " layers and " + base.numExperts() + " experts: " + modules);
    }

    /// An error about a tensor whose partner is not there.
    CheckpointException alone(String tensor, String partner) {
        return new CheckpointException(file + ": " + tensor + " is there, but " + partner + " is not");
    }

    /// The adapter of all pairs.
    ///
    /// @throws CheckpointException if there are none
    Adapter toAdapter() {
        if (changes.isEmpty()) {
            throw new CheckpointException(file + ": the adapter changes nothing: it has no pair of low-rank matrices");
        }
        return new Adapter(file, changes);
    }
}
