package org.e2llm.transport;

import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.Stage;
import org.e2llm.spi.Engine;
import org.e2llm.transport.stage.StageSource;

/** Stages of the engine on this device. */
record EngineStages(Engine engine) implements StageSource {
  @Override
  public Stage stage(LayerRange layers) {
    return engine.stage(layers);
  }

  @Override
  public int hiddenSize() {
    return engine.modelSpec().embeddingLength();
  }

  @Override
  public int vocabularySize() {
    return engine.modelSpec().vocabularySize();
  }
}
