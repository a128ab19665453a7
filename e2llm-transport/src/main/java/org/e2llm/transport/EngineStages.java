package org.e2llm.transport;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelSpec;
import org.e2llm.pipeline.Stage;
import org.e2llm.spi.Engine;
import org.e2llm.transport.stage.KvLayout;
import org.e2llm.transport.stage.StageSource;

/** Stages of the engine on this device, each counted. Thread-safe. */
final class EngineStages implements StageSource {
  private final Engine engine;
  private final Map<LayerRange, StageMeter> meters = new ConcurrentHashMap<>();

  EngineStages(Engine engine) {
    this.engine = engine;
  }

  @Override
  public Stage stage(LayerRange layers) {
    return meter(layers).counting(engine.stage(layers));
  }

  /** What stages of these layers did here. */
  StageMeter meter(LayerRange layers) {
    return meters.computeIfAbsent(layers, StageMeter::new);
  }

  @Override
  public int hiddenSize() {
    return engine.modelSpec().embeddingLength();
  }

  @Override
  public int vocabularySize() {
    return engine.modelSpec().vocabularySize();
  }

  @Override
  public KvLayout kv() {
    ModelSpec model = engine.modelSpec();
    return new KvLayout(
        engine.kvType(),
        model.headCountKv() * model.keyLength(),
        model.headCountKv() * model.valueLength());
  }
}
