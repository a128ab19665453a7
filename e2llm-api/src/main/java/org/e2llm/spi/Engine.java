package org.e2llm.spi;

import org.e2llm.KernelInfo;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelSpec;
import org.e2llm.pipeline.Stage;
import org.e2llm.text.ChatTemplate;
import org.e2llm.text.Tokenizer;

/** An open model on this device: makes stages of it. */
public interface Engine extends AutoCloseable {
  ModelSpec modelSpec();

  Tokenizer tokenizer();

  /** Never null: an unknown template throws when it is asked to render. */
  ChatTemplate chatTemplate();

  KernelInfo kernels();

  /** Most positions of a session. */
  int contextLength();

  KvType kvType();

  /** Maps the weights of {@code layers} and gives the stage that computes them. */
  Stage stage(LayerRange layers);

  /** Closes every stage and releases the weights after their last use. */
  @Override
  void close();
}
