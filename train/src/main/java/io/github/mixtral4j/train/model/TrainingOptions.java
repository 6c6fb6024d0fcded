package io.github.mixtral4j.train.model;

import io.github.mixtral4j.tensor.DType;

/// How a model is trained, apart from what its optimizer does.
///
/// @param maxRows most rows of a batch
/// @param compute format that products read weights in: F32, or BF16, of which a copy is kept. The router and the norms
///     are always F32
/// @param recompute whether activations of a layer are computed anew in the backward pass instead of being kept
/// @param loadBalancing coefficient of the load-balancing loss
/// @param perLayer whether the load is balanced in every layer rather than over all of them
/// @param routerZ coefficient of the router's z-loss
/// @param seed of dropout
public record TrainingOptions(
        int maxRows,
        DType compute,
        boolean recompute,
        double loadBalancing,
        boolean perLayer,
        double routerZ,
        long seed) {
    /// @throws IllegalArgumentException if a number is out of range
    public TrainingOptions {
        if (maxRows < 1) {
            throw new IllegalArgumentException("maxRows must be at least 1, got " + maxRows);
        }
        if (compute != DType.F32 && compute != DType.BF16) {
            throw new IllegalArgumentException("compute must be F32 or BF16, got " + compute);
        }
        if (!(loadBalancing >= 0) || !(routerZ >= 0)) {
            throw new IllegalArgumentException(
                    "coefficients of losses must be >= 0, got " + loadBalancing + " and " + routerZ);
        }
    }

    /// Everything kept, products in float32, no losses of the router.
    public static TrainingOptions exact(int maxRows) {
        return new TrainingOptions(maxRows, DType.F32, false, 0, false, 0, 0);
    }

    /// The same with these losses of the router.
    public TrainingOptions withRouterLosses(double balancing, boolean inEveryLayer, double z) {
        return new TrainingOptions(maxRows, compute, recompute, balancing, inEveryLayer, z, seed);
    }

    /// The same with another format for products.
    public TrainingOptions withCompute(DType type) {
        return new TrainingOptions(maxRows, type, recompute, loadBalancing, perLayer, routerZ, seed);
    }

    /// The same, computing activations anew or not.
    public TrainingOptions withRecompute(boolean anew) {
        return new TrainingOptions(maxRows, compute, anew, loadBalancing, perLayer, routerZ, seed);
    }
}
