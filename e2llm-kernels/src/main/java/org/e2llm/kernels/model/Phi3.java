package org.e2llm.kernels.model;

/**
 * Phi-3 and Phi-4 mini: queries, keys and values in one matrix, gate and up in another; LongRoPE
 * (arXiv 2402.13753), whose factors are chosen once by the context a session may have, not by how
 * far it has come; a part of each head may stay unrotated.
 *
 * <p>{@code attention.sliding_window} is ignored, as in the reference engine: the published files
 * state one that the models' own code does not apply at the lengths it is tested with.
 */
final class Phi3 implements Architecture {
  @Override
  public String name() {
    return "phi3";
  }

  @Override
  public ModelConfig configure(ModelHeader header, int context) {
    return ConfigReader.read(header, context, true);
  }

  @Override
  public void layer(TensorLayout layer, ModelConfig config) {
    int width = config.embeddingLength();
    layer
        .required("attn_norm.weight", width)
        .required("attn_qkv.weight", width, config.heads().qkvWidth())
        .optional("attn_qkv.bias", config.heads().qkvWidth())
        .required("attn_output.weight", config.heads().outputWidth(), width)
        .required("ffn_norm.weight", width)
        .required("ffn_up.weight", width, 2L * config.feedForwardLength())
        .required("ffn_down.weight", config.feedForwardLength(), width);
  }
}
