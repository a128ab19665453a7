package org.e2llm.kernels.model;

/**
 * Qwen 3: every query and key head is normed before it is rotated; heads may be wider than width /
 * heads.
 */
final class Qwen3 implements Architecture {
  @Override
  public String name() {
    return "qwen3";
  }

  @Override
  public ModelConfig configure(ModelHeader header, int context) {
    return ConfigReader.read(header, context, true);
  }

  @Override
  public void layer(TensorLayout layer, ModelConfig config) {
    layer.attention(config).queryKeyNorms(config).feedForward(config);
  }
}
