/// The hot loops. Start with [Kernels#create]; [ScalarKernels] is the readable reference, [VectorKernels] and
/// [NativeKernels] are the fast ones, and every operation of theirs is tested against it. The only package that imports
/// the Vector API, and the only one that calls the C of `engine/src/main/c`. [Roofline] measures what they could do
/// on this machine. Imported by `model` and whoever assembles a model; knows weights and activations, not layers or
/// files.
@NullMarked
package io.github.mixtral4j.kernel;

import org.jspecify.annotations.NullMarked;
