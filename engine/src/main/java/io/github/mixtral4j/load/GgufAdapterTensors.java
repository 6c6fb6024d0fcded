package io.github.mixtral4j.load;

import io.github.mixtral4j.checkpoint.TensorInfo;
import io.github.mixtral4j.checkpoint.TensorSink;
import io.github.mixtral4j.checkpoint.TensorSource;
import io.github.mixtral4j.model.AdapterTarget;
import io.github.mixtral4j.model.LowRank;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Shape;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The tensors of a GGUF adapter: pairs of matrices, of experts pairs of stacks.
///
/// A file has one alpha, and llama.cpp takes `alpha / rank` of each tensor as its scale; what differs from that goes
/// into the numbers of `lora_b`.
final class GgufAdapterTensors implements TensorSource {
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Map<AdapterTarget, LowRank> changes;
    private final Map<String, List<AdapterTarget>> tensors = new LinkedHashMap<>();
    private final List<TensorInfo> infos = new ArrayList<>();
    private final float alpha;

    /// @param changes rows of wq and wk in GGUF's order
    GgufAdapterTensors(Map<AdapterTarget, LowRank> changes, MixtralConfig config) {
        this.changes = changes;
        GgufAdapter.targets(config).forEach((name, targets) -> {
            int rank = targets.stream()
                    .mapToInt(target ->
                            changes.containsKey(target) ? change(target).rank() : 0)
                    .max()
                    .orElse(0);
            if (rank > 0) {
                tensors.put(name + GgufAdapter.A, targets);
                tensors.put(name + GgufAdapter.B, targets);
                AdapterTarget first = targets.getFirst();
                boolean stacked = config.isMixture() && first.kind().isOfExpert();
                infos.add(info(name + GgufAdapter.A, stacked, targets.size(), rank, first.cols(config)));
                infos.add(info(name + GgufAdapter.B, stacked, targets.size(), first.rows(config), rank));
            }
        });
        // 0 would mean a scale of 1.
        this.alpha = changes.values().stream()
                .map(change -> change.scale() * change.rank())
                .filter(product -> product != 0 && Float.isFinite(product))
                .findFirst()
                .orElse(1f);
    }

    private LowRank change(AdapterTarget target) {
        LowRank change = changes.get(target);
        if (change == null) {
            throw new IllegalStateException("no change to " + target);
        }
        return change;
    }

    private static TensorInfo info(String name, boolean stacked, int count, int rows, int cols) {
        return new TensorInfo(name, DType.F32, stacked ? Shape.of(count, rows, cols) : Shape.matrix(rows, cols));
    }

    /// The value for `adapter.lora.alpha`.
    float alpha() {
        return alpha;
    }

    /// Name and shape of each tensor, all F32.
    List<TensorInfo> infos() {
        return infos;
    }

    @Override
    public void write(TensorInfo tensor, TensorSink sink) throws IOException {
        boolean isA = tensor.name().endsWith(GgufAdapter.A);
        List<AdapterTarget> targets = tensors.getOrDefault(tensor.name(), List.of());
        int rank = isA
                ? (int) (tensor.shape().rows() / targets.size())
                : tensor.shape().cols();
        long matrixBytes = tensor.bytes() / targets.size();
        for (int i = 0; i < targets.size(); i++) {
            float[] padded = changes.containsKey(targets.get(i))
                    ? numbers(change(targets.get(i)), isA, rank)
                    : new float[Math.toIntExact(matrixBytes / Float.BYTES)];
            MemorySegment bytes = MemorySegment.ofArray(new byte[Math.toIntExact(matrixBytes)]);
            MemorySegment.copy(padded, 0, bytes, FLOAT, 0, padded.length);
            sink.write(i * matrixBytes, bytes);
        }
    }

    /// One of the matrices with zeros up to this rank, `b` such that `alpha / rank` is its scale.
    private float[] numbers(LowRank change, boolean isA, int rank) {
        int own = change.rank();
        if (isA) {
            float[] a = change.aValues();
            return Arrays.copyOf(a, a.length / own * rank);
        }
        float[] b = change.bValues();
        float factor = (float) ((double) change.scale() * rank / alpha);
        float[] padded = new float[b.length / own * rank];
        for (int i = 0; i < b.length; i++) {
            padded[i / own * rank + i % own] = factor * b[i];
        }
        return padded;
    }
}
