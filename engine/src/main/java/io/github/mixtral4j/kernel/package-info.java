/// The hot loops. Start with [Kernels#create]; [ScalarKernels] is the readable reference, [VectorKernels] the fast one,
/// and every operation of the latter is tested against the former. The only package that imports the Vector API.
/// Imported by `model` and whoever assembles a model; knows weights and activations, not layers or files.
@NullMarked
package io.github.mixtral4j.kernel;

import org.jspecify.annotations.NullMarked;
