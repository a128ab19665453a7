package org.e2llm.kernels;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.ClosedException;
import org.e2llm.InvalidRequestException;
import org.e2llm.KernelInfo;
import org.e2llm.Progress;
import org.e2llm.WaitInterruptedException;
import org.e2llm.kernels.chat.ChatTemplates;
import org.e2llm.kernels.gguf.GgufFile;
import org.e2llm.kernels.math.KernelsLookup;
import org.e2llm.kernels.math.Threads;
import org.e2llm.kernels.model.Compute;
import org.e2llm.kernels.model.LocalStage;
import org.e2llm.kernels.model.Model;
import org.e2llm.kernels.profile.DeviceMeter;
import org.e2llm.kernels.profile.LayerShape;
import org.e2llm.kernels.tokenizer.Tokenizers;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelSpec;
import org.e2llm.pipeline.Stage;
import org.e2llm.plan.DeviceSpeed;
import org.e2llm.spi.Engine;
import org.e2llm.spi.EngineOptions;
import org.e2llm.text.ChatTemplate;
import org.e2llm.text.Tokenizer;
import org.jspecify.annotations.Nullable;

/**
 * A GGUF model on this device. Safe for use by several threads; stages of one engine share its team
 * of threads and take turns.
 */
public final class LocalEngine implements Engine {
  private static final Logger LOG = Logger.getLogger(LocalEngine.class.getName());
  private static final int DEFAULT_BATCH_ROWS = 512;
  private static final int MOST_BATCH_ROWS = 1 << 16;
  private static final int MOST_THREADS = 1024;

  private final GgufFile file;
  private final Model model;
  private final ModelSpec spec;
  private final Tokenizer tokenizer;
  private final ChatTemplate chatTemplate;
  private final KvType kvType;
  private final int batchRows;
  private final Compute compute;
  private final KernelInfo kernels;
  private final DeviceMeter meter;
  private final Consumer<Progress> progress;
  private final List<LocalStage> stages = new ArrayList<>();
  private volatile boolean closed;

  private LocalEngine(
      GgufFile file,
      Model model,
      Tokenizer tokenizer,
      EngineOptions options,
      Consumer<Progress> progress) {
    this.file = file;
    this.model = model;
    this.tokenizer = tokenizer;
    this.progress = progress;
    spec = ModelSpecs.of(file, tokenizer.endOfGeneration());
    chatTemplate = ChatTemplates.of(file.metadata(), tokenizer);
    kvType = options.kvType();
    batchRows = options.batchRows() == 0 ? DEFAULT_BATCH_ROWS : options.batchRows();
    int threads = options.threads() == 0 ? Threads.defaultCount() : options.threads();
    compute = new Compute(KernelsLookup.kernels(), threads);
    kernels = new KernelInfo(KernelsLookup.kernels().name(), threads, KernelsLookup.reasons());
    LayerShape shape = LayerShape.of(spec, ModelSpecs.layerType(file));
    meter = new DeviceMeter(KernelsLookup.kernels(), threads, shape, spec.layerCount());
  }

  /**
   * @param file belongs to the engine once this returns
   */
  static LocalEngine open(GgufFile file, EngineOptions options, Consumer<Progress> progress) {
    checkRange("threads", options.threads(), MOST_THREADS);
    checkRange("batchRows", options.batchRows(), MOST_BATCH_ROWS);
    checkRange("contextLength", options.contextLength(), Model.MOST_CONTEXT);
    Model model = Model.of(file, options.contextLength());
    model.checkKvType(options.kvType());
    Tokenizer tokenizer = Tokenizers.of(file.metadata());
    model.checkVocabulary(tokenizer.vocabularySize());
    int trained = model.config().trainedContext();
    if (model.contextLength() > trained) {
      LOG.log(
          Level.WARNING,
          "context length {0} is more than the {1} positions this model was trained for",
          new Object[] {model.contextLength(), trained});
    }
    return new LocalEngine(file, model, tokenizer, options, progress);
  }

  @Override
  public ModelSpec modelSpec() {
    return spec;
  }

  @Override
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  @Override
  public ChatTemplate chatTemplate() {
    return chatTemplate;
  }

  @Override
  public KernelInfo kernels() {
    return kernels;
  }

  @Override
  public int contextLength() {
    return model.contextLength();
  }

  @Override
  public KvType kvType() {
    return kvType;
  }

  /**
   * {@inheritDoc}
   *
   * @throws InvalidRequestException for a range that is empty or beyond the model
   */
  @Override
  public synchronized Stage stage(LayerRange layers) {
    if (closed) {
      throw new ClosedException("the engine is closed");
    }
    long bytes = spec.weightBytes(layers);
    progress.accept(new Progress(Progress.Phase.LOAD, 0, bytes));
    LocalStage stage = model.stage(layers, compute, kvType, batchRows);
    stages.add(stage);
    progress.accept(new Progress(Progress.Phase.LOAD, bytes, bytes));
    LOG.log(Level.FINE, "stage {0}: {1} bytes of weights", new Object[] {layers, bytes});
    return stage;
  }

  @Override
  public DeviceSpeed speed(@Nullable Path cacheFolder) {
    return meter.speed(cacheFolder, this::checkMeasuring);
  }

  private void checkMeasuring() {
    if (closed) {
      throw new ClosedException("the engine was closed while it measured this device");
    }
    if (Thread.currentThread().isInterrupted()) {
      throw new WaitInterruptedException(
          "the thread was interrupted while it measured this device");
    }
  }

  @Override
  public void close() {
    List<LocalStage> open;
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
      open = new ArrayList<>(stages);
    }
    for (LocalStage stage : open) {
      stage.close();
    }
    compute.close();
    file.close();
  }

  private static void checkRange(String option, int value, int limit) {
    if (value < 0 || value > limit) {
      throw new InvalidRequestException(
          option + " is " + value + ", expected 0 (choose for me) to " + limit);
    }
  }
}
