package io.github.mixtral4j.cli;

import io.github.mixtral4j.model.DenseWeights;
import io.github.mixtral4j.model.LayerWeights;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.model.MixtralWeights;
import io.github.mixtral4j.model.MoeWeights;
import io.github.mixtral4j.model.SwigluWeights;
import io.github.mixtral4j.tensor.Tensor;
import java.util.List;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;

/// How large a model is: in all, and in what one token needs of it.
///
/// @param parameters numbers in all weights
/// @param activeParameters those that take part in computing one token: of the experts only the chosen ones
/// @param layerBytesPerToken bytes of the layers' weights read for one token
/// @param headBytesPerToken bytes of the other weights read for one token: one embedding, the last norm and the head
record ModelSizes(long parameters, long activeParameters, long layerBytesPerToken, long headBytesPerToken) {
    /// Sizes of these weights under this number of experts per token.
    static ModelSizes of(MixtralConfig config, MixtralWeights weights) {
        ToLongFunction<Tensor> count = tensor -> tensor.shape().elements();
        ToLongFunction<Tensor> bytes = tensor -> tensor.data().byteSize();
        long ends = sum(Stream.of(weights.outputNorm(), weights.output()), count);
        long embedding = count.applyAsLong(weights.embedding());
        return new ModelSizes(
                embedding + ends + layers(weights, config.numExperts(), count),
                embedding + ends + layers(weights, config.numExpertsPerToken(), count),
                layers(weights, config.numExpertsPerToken(), bytes),
                weights.embedding().rowBytes() + sum(Stream.of(weights.outputNorm(), weights.output()), bytes));
    }

    /// Bytes of weights read for one token.
    long bytesPerToken() {
        return layerBytesPerToken + headBytesPerToken;
    }

    /// All layers, each with so many of its experts.
    static long layers(MixtralWeights weights, double experts, ToLongFunction<Tensor> size) {
        return weights.layers().stream()
                .mapToLong(layer -> attention(layer, size) + feedForward(layer, experts, size))
                .sum();
    }

    private static long attention(LayerWeights layer, ToLongFunction<Tensor> size) {
        return sum(
                Stream.of(layer.attentionNorm(), layer.wq(), layer.wk(), layer.wv(), layer.wo(), layer.ffnNorm()),
                size);
    }

    private static long feedForward(LayerWeights layer, double experts, ToLongFunction<Tensor> size) {
        return switch (layer.feedForward()) {
            case DenseWeights dense -> swiglu(List.of(dense.swiglu()), size);
            case MoeWeights moe ->
                size.applyAsLong(moe.router())
                        + Math.round(swiglu(moe.experts(), size)
                                / (double) moe.experts().size()
                                * experts);
        };
    }

    private static long swiglu(List<SwigluWeights> experts, ToLongFunction<Tensor> size) {
        return sum(experts.stream().flatMap(e -> Stream.of(e.gateProj(), e.upProj(), e.downProj())), size);
    }

    private static long sum(Stream<Tensor> tensors, ToLongFunction<Tensor> size) {
        return tensors.mapToLong(size).sum();
    }
}
