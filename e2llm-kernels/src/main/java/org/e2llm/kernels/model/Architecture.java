package org.e2llm.kernels.model;

/**
 * What makes one family of models differ from another: how its metadata is read, and which tensors
 * a layer has. The forward pass is shared ({@link DecoderLayer}); it does what the config and the
 * tensors that are there ask for.
 *
 * <p>To add one: write a file beside {@link Llama} that overrides what differs, list it in {@link
 * Architectures}, and add golden values of a reference engine to the tests.
 */
interface Architecture {
  /** As in {@code general.architecture}. */
  String name();

  /**
   * Reads and checks the config.
   *
   * @param header the file's metadata
   * @param context positions a session may have; LongRoPE chooses its factors by it
   */
  ModelConfig configure(ModelHeader header, int context);

  /** Lists the tensors of one layer, by their names without {@code blk.N.}, with their shapes. */
  void layer(TensorLayout layer, ModelConfig config);
}
