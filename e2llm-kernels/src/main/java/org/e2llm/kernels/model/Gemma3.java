package org.e2llm.kernels.model;

/**
 * Gemma 3, text part (arXiv 2503.19786): embeddings scaled by sqrt(width), query and key norms, a
 * norm after attention and after the feed-forward network too, GELU. Five of six layers see a
 * sliding window and rotate with base 10,000; the sixth sees everything.
 */
final class Gemma3 implements Architecture {
  /** The 27B model divides its scores by sqrt(width / heads), not by sqrt(head length). */
  private static final int LAYERS_OF_27B = 62;

  private static final int GLOBAL_EVERY = 6;
  private static final float SLIDING_BASE = 10_000;

  @Override
  public String name() {
    return "gemma3";
  }

  @Override
  public ModelConfig configure(ModelHeader header, int context) {
    header.refuse("attn_logit_softcapping");
    header.refuse("final_logit_softcapping");
    ModelConfig config =
        ConfigReader.read(header, context, true)
            .withActivation(Activation.GELU)
            .withEmbeddingScale((float) Math.sqrt(header.embeddingLength()));
    if (config.layerCount() == LAYERS_OF_27B) {
      int perHead = config.embeddingLength() / config.heads().count();
      config = config.withAttentionScale((float) (1 / Math.sqrt(perHead)));
    }
    int window = header.integer("attention.sliding_window", 0, 0, Limits.CONTEXT);
    if (window == 0) {
      return config;
    }
    RopeConfig rope = config.rope();
    float base = header.positive("rope.freq_base_swa", SLIDING_BASE);
    return config.withWindow(
        new SlidingWindow(window, GLOBAL_EVERY),
        new RopeConfig(rope.dimensions(), rope.neox(), base, 1, null, 1, null));
  }

  @Override
  public void layer(TensorLayout layer, ModelConfig config) {
    layer
        .attention(config)
        .queryKeyNorms(config)
        .required("post_attention_norm.weight", config.embeddingLength())
        .feedForward(config)
        .required("post_ffw_norm.weight", config.embeddingLength());
  }
}
