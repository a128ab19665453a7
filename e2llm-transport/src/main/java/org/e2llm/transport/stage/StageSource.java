package org.e2llm.transport.stage;

import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.Stage;

/** Makes stages of the model on this device. */
public interface StageSource {
  /**
   * A stage of its own, to be closed by whoever asked. May take as long as mapping weights takes.
   *
   * @throws org.e2llm.E2llmException if this device cannot
   */
  Stage stage(LayerRange layers);

  /** Floats of a hidden state. */
  int hiddenSize();

  int vocabularySize();

  /** What KV caches look like here. */
  KvLayout kv();
}
