package org.e2llm.kernels.model;

import org.jspecify.annotations.Nullable;

/**
 * Everything the forward pass must know besides the weights. Immutable, checked when it was read.
 *
 * @param architecture {@code general.architecture}
 * @param layerCount transformer blocks
 * @param embeddingLength width of the hidden state
 * @param feedForwardLength width inside the feed-forward network
 * @param vocabularySize rows of the embedding and of the output head
 * @param trainedContext positions the model was trained for
 * @param rmsEpsilon added to the mean square in every norm
 * @param embeddingScale what embeddings are multiplied with; 1 for nothing
 * @param activation of the feed-forward gate
 * @param heads shape of attention
 * @param window which layers see only the last positions
 * @param rope rotation of layers that see everything
 * @param slidingRope rotation of sliding layers, or null where it is the same
 */
public record ModelConfig(
    String architecture,
    int layerCount,
    int embeddingLength,
    int feedForwardLength,
    int vocabularySize,
    int trainedContext,
    float rmsEpsilon,
    float embeddingScale,
    Activation activation,
    Heads heads,
    SlidingWindow window,
    RopeConfig rope,
    @Nullable RopeConfig slidingRope) {

  ModelConfig withEmbeddingScale(float scale) {
    return new ModelConfig(
        architecture,
        layerCount,
        embeddingLength,
        feedForwardLength,
        vocabularySize,
        trainedContext,
        rmsEpsilon,
        scale,
        activation,
        heads,
        window,
        rope,
        slidingRope);
  }

  ModelConfig withActivation(Activation other) {
    return new ModelConfig(
        architecture,
        layerCount,
        embeddingLength,
        feedForwardLength,
        vocabularySize,
        trainedContext,
        rmsEpsilon,
        embeddingScale,
        other,
        heads,
        window,
        rope,
        slidingRope);
  }

  ModelConfig withAttentionScale(float scale) {
    Heads scaled =
        new Heads(heads.count(), heads.countKv(), heads.keyLength(), heads.valueLength(), scale);
    return new ModelConfig(
        architecture,
        layerCount,
        embeddingLength,
        feedForwardLength,
        vocabularySize,
        trainedContext,
        rmsEpsilon,
        embeddingScale,
        activation,
        scaled,
        window,
        rope,
        slidingRope);
  }

  ModelConfig withWindow(SlidingWindow sliding, RopeConfig slidingLayersRope) {
    return new ModelConfig(
        architecture,
        layerCount,
        embeddingLength,
        feedForwardLength,
        vocabularySize,
        trainedContext,
        rmsEpsilon,
        embeddingScale,
        activation,
        heads,
        sliding,
        rope,
        slidingLayersRope);
  }

  ModelConfig withRope(RopeConfig other) {
    return new ModelConfig(
        architecture,
        layerCount,
        embeddingLength,
        feedForwardLength,
        vocabularySize,
        trainedContext,
        rmsEpsilon,
        embeddingScale,
        activation,
        heads,
        window,
        other,
        slidingRope);
  }
}
