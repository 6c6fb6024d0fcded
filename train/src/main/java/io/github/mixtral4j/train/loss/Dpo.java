package io.github.mixtral4j.train.loss;

/// Direct preference optimization: the chosen of two replies is to gain on the rejected one, compared with a
/// reference model.
/// ```
/// margin = β · ((log π(chosen) − log ref(chosen)) − (log π(rejected) − log ref(rejected)))
/// loss   = −(1 − s) · log σ(margin) − s · log σ(−margin)        s: label smoothing
/// ```
/// Source: Rafailov et al. 2023, "Direct Preference Optimization", eq. 7; the smoothing is that of Mitchell
/// 2023, "A note on DPO with noisy preferences", eq. 3.
///
/// @param loss the loss of the pair
/// @param margin positive if the chosen reply has gained more on the reference than the rejected one
/// @param chosenGradient derivative of the loss by `log π(chosen)`; that by `log π(rejected)` is its negative
public record Dpo(double loss, double margin, double chosenGradient) {
    /// Compares a pair.
    ///
    /// @param chosen `log π(chosen)`, the sum over the tokens of the reply
    /// @param rejected `log π(rejected)`
    /// @param referenceChosen `log ref(chosen)`
    /// @param referenceRejected `log ref(rejected)`
    public static Dpo of(
            double chosen,
            double rejected,
            double referenceChosen,
            double referenceRejected,
            double beta,
            double labelSmoothing) {
        double margin = beta * ((chosen - referenceChosen) - (rejected - referenceRejected));
        double loss = (1 - labelSmoothing) * softplus(-margin) + labelSmoothing * softplus(margin);
        // d softplus(−m) / dm = −σ(−m), d softplus(m) / dm = σ(m)
        double byMargin = -(1 - labelSmoothing) * sigmoid(-margin) + labelSmoothing * sigmoid(margin);
        return new Dpo(loss, margin, beta * byMargin);
    }

    /// `log(1 + e^x) = −log σ(−x)`, without overflow.
    private static double softplus(double x) {
        return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
    }

    private static double sigmoid(double x) {
        return 1 / (1 + Math.exp(-x));
    }
}
