package io.github.mixtral4j.kernel;

/// How exact a product of several rows of activations with rounded weights has to be.
///
/// A product with up to 16 rows, as sequences have that decode together, or with a matrix of up to 64, may always round
/// activations to 8 bits; a product with F32 weights never rounds anything.
public enum Precision {
    /// Both factors keep at least the 8 significant bits of bfloat16: an error of about 0.2 % of the root mean square
    /// of the result.
    FINE,
    /// Activations may be rounded to integers of 8 bits, with a scale for each 32 or so: about 0.5 %, and up to 1.5
    /// times as fast. For experts, whose results are weighted and added to a stream of many layers.
    COARSE
}
