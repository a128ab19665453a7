package org.e2llm.testing;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.e2llm.KernelInfo;
import org.e2llm.ModelInspection;
import org.e2llm.Progress;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelLayout;
import org.e2llm.model.ModelSource;
import org.e2llm.model.ModelSpec;
import org.e2llm.pipeline.Batch;
import org.e2llm.pipeline.Stage;
import org.e2llm.plan.DeviceSpeed;
import org.e2llm.spi.Engine;
import org.e2llm.spi.EngineOptions;
import org.e2llm.spi.EngineProvider;
import org.e2llm.text.ChatTemplate;
import org.e2llm.text.Tokenizer;

/** An engine for tests of what is around engines: {@link FakeStage}s of three layers. */
public final class FakeEngine implements EngineProvider {
  public static final int LAYERS = 3;

  /** KV cache of one position over all layers. */
  public static final int BYTES_PER_TOKEN = LAYERS * FakeStage.BYTES_PER_POSITION;

  /** Called by the first stage with every batch; may throw or block. */
  public volatile Consumer<Batch> before = batch -> {};

  /** Every batch so far, if wanted. */
  public final List<Batch> batches = Collections.synchronizedList(new ArrayList<>());

  public volatile boolean keepBatches;
  private final List<FakeStage> stages = new ArrayList<>();
  private volatile boolean closed;
  private volatile Thread closedBy;

  public boolean isClosed() {
    return closed;
  }

  public Thread closedBy() {
    return closedBy;
  }

  /** Sessions whose KV cache is held; ask while nothing runs. */
  public int openSessions() {
    int sessions = 0;
    for (FakeStage stage : stages) {
      sessions = Math.max(sessions, stage.openSessions());
    }
    return sessions;
  }

  private void seen(Batch batch) {
    if (keepBatches) {
      batches.add(Batch.ofTokens(batch.slices(), batch.tokens().clone()));
    }
    before.accept(batch);
  }

  public static ModelSpec spec(int context) {
    return new ModelSpec(
        "fake",
        "hash",
        "F32",
        LAYERS,
        FakeStage.WIDTH,
        FakeStage.WIDTH,
        1,
        1,
        1,
        1,
        FakeTokenizer.VOCABULARY,
        context,
        1,
        List.of(1L, 1L, 1L),
        1,
        1,
        List.of(FakeTokenizer.EOS));
  }

  @Override
  public ModelInspection inspect(ModelSource source) {
    return new ModelInspection(spec(512), 3, 1, 1, 1, Map.of(), Map.of(), "fake", "fake", "");
  }

  @Override
  public Tokenizer tokenizer(ModelSource source) {
    return new FakeTokenizer();
  }

  @Override
  public ModelLayout layout(ModelSource source) {
    return new ModelLayout(LAYERS, false, List.of(), List.of());
  }

  @Override
  public Engine open(ModelSource source, EngineOptions options, Consumer<Progress> progress) {
    progress.accept(new Progress(Progress.Phase.LOAD, 1, 1));
    return new Opened(options);
  }

  private final class Opened implements Engine {
    private final EngineOptions options;
    private final int context;

    Opened(EngineOptions options) {
      this.options = options;
      this.context = options.contextLength() == 0 ? 512 : options.contextLength();
    }

    @Override
    public ModelSpec modelSpec() {
      return spec(context);
    }

    @Override
    public Tokenizer tokenizer() {
      return new FakeTokenizer();
    }

    @Override
    public ChatTemplate chatTemplate() {
      return new FakeChatTemplate();
    }

    @Override
    public KernelInfo kernels() {
      return new KernelInfo("scalar", 1, List.of());
    }

    @Override
    public int contextLength() {
      return context;
    }

    @Override
    public KvType kvType() {
      return KvType.F32;
    }

    @Override
    public Stage stage(LayerRange layers) {
      FakeStage stage = new FakeStage(layers, LAYERS, options.batchRows(), FakeEngine.this::seen);
      stages.add(stage);
      return stage;
    }

    @Override
    public DeviceSpeed speed(Path cacheFolder) {
      return new DeviceSpeed(1e9, 1e9, 1e9, 0, true);
    }

    @Override
    public void close() {
      closed = true;
      closedBy = Thread.currentThread();
      stages.forEach(FakeStage::close);
    }
  }
}
