package org.e2llm.kernels.model;

/** Qwen 2 and 2.5: as Llama, with biases on queries, keys and values, and rotation of halves. */
final class Qwen2 implements Architecture {
  @Override
  public String name() {
    return "qwen2";
  }

  @Override
  public ModelConfig configure(ModelHeader header, int context) {
    return ConfigReader.read(header, context, true);
  }

  @Override
  public void layer(TensorLayout layer, ModelConfig config) {
    layer
        .attention(config)
        .required("attn_q.bias", config.heads().queryWidth())
        .required("attn_k.bias", config.heads().keyWidth())
        .required("attn_v.bias", config.heads().valueWidth())
        .feedForward(config);
  }
}
