package org.e2llm.kernels.model;

/**
 * Llama 1 to 3.x, Mistral, SmolLM and whatever else is written under {@code llama}: pre-norm,
 * grouped attention with interleaved rotation, gated SiLU. Llama 3.1 and later divide the
 * rotation's frequencies by {@code rope_freqs.weight}.
 */
final class Llama implements Architecture {
  @Override
  public String name() {
    return "llama";
  }

  @Override
  public ModelConfig configure(ModelHeader header, int context) {
    return ConfigReader.read(header, context, false);
  }

  @Override
  public void layer(TensorLayout layer, ModelConfig config) {
    layer.attention(config).feedForward(config);
  }
}
