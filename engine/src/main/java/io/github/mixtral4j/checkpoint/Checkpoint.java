package io.github.mixtral4j.checkpoint;

import io.github.mixtral4j.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/// An opened model file or folder: named tensors in memory that is not the Java heap.
///
/// Owns the mapping (or the copy); closing it invalidates every tensor, whose next access throws
/// `IllegalStateException`. Nothing in here interprets a tensor's name. Immutable, so all threads may read.
///
/// Everything a file says is checked against the file's length before it is believed: every byte of every tensor lies
/// inside the file as it was at opening. Where a mapped file ([LoadMode#MMAP], [LoadMode#AUTO]) is
/// shortened afterwards, Java's own accesses throw `InternalError`, but native kernels that read there end
/// the process. Who must reckon with that copies the weights: [LoadMode#COPY].
///
/// A tensor's bytes may start at any address: safetensors promises no alignment. Read them through unaligned layouts.
public sealed interface Checkpoint extends AutoCloseable permits GgufCheckpoint, SafetensorsCheckpoint {

    /// Opens a model by mapping its files; see [#open(Path, LoadMode, LoadProgress)].
    static Checkpoint open(Path path) throws IOException {
        return open(path, LoadMode.MMAP);
    }

    /// Opens a model without reporting progress; see [#open(Path, LoadMode, LoadProgress)].
    static Checkpoint open(Path path, LoadMode mode) throws IOException {
        return open(path, mode, LoadProgress.NONE);
    }

    /// Opens a model.
    ///
    /// `path` is a GGUF file or any of its shards `name-00001-of-00003.gguf`; a safetensors file, its index or its
    /// config in a Hugging Face, Mistral or PEFT folder; or a folder that holds exactly one model. (Downloads
    /// of Mistral's repositories carry the same weights twice, for Hugging Face and in Mistral's own form: then the
    /// former is opened, and naming `params.json` opens the latter.)
    ///
    /// @throws CheckpointException if the files contradict themselves or each other, or memory does not suffice to
    ///     copy them
    /// @throws IOException if a file cannot be read
    static Checkpoint open(Path path, LoadMode mode, LoadProgress progress) throws IOException {
        return switch (ModelFiles.locate(path)) {
            case ModelFiles.Gguf gguf -> GgufCheckpoint.open(gguf.anyShard(), mode, progress);
            case ModelFiles.Safetensors safetensors -> SafetensorsCheckpoint.open(safetensors, mode, progress);
        };
    }

    /// The file or folder that was opened: the first shard of a sharded GGUF, the folder of safetensors.
    Path path();

    /// The last part of [#path()], as messages show it.
    default String name() {
        return Names.file(path());
    }

    /// All tensors this engine can read, by name, in the order of the files.
    Map<String, Tensor> tensors();

    /// The tensor with this name, or empty when the checkpoint has none.
    ///
    /// @throws CheckpointException if there is one, in a format this engine cannot read
    Optional<Tensor> find(String name);

    /// The tensor with this name.
    ///
    /// @throws CheckpointException if there is none (naming similar ones), or it cannot be read
    default Tensor tensor(String name) {
        return find(name)
                .orElseThrow(() -> new CheckpointException(name() + ": there is no tensor " + name
                        + Names.similar(name, tensors().keySet())));
    }

    /// Length of all files together, in bytes.
    long totalBytes();

    /// Waits until the weights are where they stay: with [LoadMode#AUTO] they move into huge pages while they are
    /// already in use, which takes processor time from whoever uses them. Only measurements need to wait.
    void settle();

    /// Releases the memory; tensors must not be used any more.
    @Override
    void close();
}
