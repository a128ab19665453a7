package org.e2llm;

import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.e2llm.cluster.Cluster;
import org.e2llm.cluster.ClusterEvent;
import org.e2llm.cluster.ClusterMember;
import org.e2llm.cluster.ClusterStatus;
import org.e2llm.cluster.Share;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelSource;
import org.e2llm.model.ModelSpec;
import org.e2llm.pipeline.LocalReplica;
import org.e2llm.pipeline.Replica;
import org.e2llm.pipeline.StageChain;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.KeptEnds;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanOptions;
import org.e2llm.plan.Slo;
import org.e2llm.plan.Workload;
import org.e2llm.serving.GenerationService;
import org.e2llm.serving.HostLimits;
import org.e2llm.serving.ServingLoop;
import org.e2llm.spi.ClusterLink;
import org.e2llm.spi.Engine;
import org.e2llm.spi.EngineOptions;
import org.e2llm.spi.EngineProvider;
import org.e2llm.spi.FoundModel;
import org.e2llm.spi.TransportProvider;
import org.e2llm.text.ChatTemplate;
import org.e2llm.text.Tokenizer;
import org.jspecify.annotations.Nullable;

/**
 * An open model that generates.
 *
 * <pre>{@code
 * try (E2llm llm = E2llm.builder().model(path).open()) {
 *   Generation g = llm.generate(GenerationRequest.builder().prompt("Once upon a time").build());
 *   for (Token t : g) {
 *     show(t.text());
 *   }
 * }
 * }</pre>
 *
 * <p>Thread-safe. Several generations may run at once, as far as {@link Builder#kvMemory} allows:
 * they share forward passes and begin first come, first served, with ageing: a short prompt may go
 * before a long one that has just come, and nobody is overtaken for long. All computing happens on
 * the thread {@code e2llm-serving} and the engine's own team, all callbacks come from {@code
 * e2llm-delivery}; none of them keeps a JVM alive.
 *
 * <p>After {@link #close()} everything that would generate, encode or score throws {@link
 * ClosedException}; what describes the model can still be read.
 */
public final class E2llm implements AutoCloseable {
  private final Engine engine;
  private final GenerationService serving;
  private final Prompts prompts;
  private final int largestSession;
  private final @Nullable ClusterLink link;
  private final @Nullable FoundModel found;
  private final Duration loadTime;
  private volatile boolean closed;

  private E2llm(Engine engine, @Nullable FoundModel found, Builder builder, long startNanos) {
    this.engine = engine;
    this.found = found;
    ModelSpec spec = engine.modelSpec();
    int context = engine.contextLength();
    long budget = builder.kvMemory > 0 ? builder.kvMemory : Runtime.getRuntime().maxMemory() / 2;
    int vocabulary = spec.vocabularySize();
    this.prompts = new Prompts(engine.tokenizer(), engine.chatTemplate(), vocabulary, context);
    if (builder.cluster != null) {
      this.link = builder.join(engine, found, builder.cluster, budget);
      this.largestSession = context;
      this.serving = link.sessions();
    } else {
      this.link = null;
      long perToken = spec.kvBytesPerToken(engine.kvType(), spec.layers());
      HostLimits limits =
          new HostLimits(budget, perToken, context, builder.queueLimit, builder.slo);
      this.largestSession = limits.largestSession();
      StageChain chain = new StageChain(List.of(engine.stage(spec.layers())));
      Replica replica = new LocalReplica(chain, vocabulary);
      this.serving = new ServingLoop(replica, spec, engine.tokenizer(), limits, engine::close);
    }
    this.loadTime = Duration.ofNanos(System.nanoTime() - startNanos);
  }

  public static Builder builder() {
    return new Builder();
  }

  /** What a model file says of itself; reads its header only. */
  public static ModelInspection inspect(Path file) {
    return Modules.engine().inspect(ModelSource.of(file));
  }

  /** What the model file at {@code [offset, offset + length)} says of itself. */
  public static ModelInspection inspect(FileChannel channel, long offset, long length) {
    return Modules.engine().inspect(ModelSource.of(channel, offset, length));
  }

  /** The tokenizer of a model file, which may be without tensors. */
  public static Tokenizer tokenizer(Path file) {
    return Modules.engine().tokenizer(ModelSource.of(file));
  }

  /**
   * Starts a generation and returns at once: encodes the prompt, so that what cannot be served is
   * refused here, and leaves the computing to the serving thread.
   *
   * @throws InvalidRequestException if the prompt has no token, or a token is not in the vocabulary
   * @throws CapacityException if it can never fit (the message says how many tokens would), or the
   *     queue is full
   * @throws UnknownChatTemplateException for messages, where the model's template is not known
   * @throws ClosedException after {@link #close()}
   */
  public Generation generate(GenerationRequest request) {
    requireOpen();
    return serving.submit(prompts.submission(request, prompts.encode(request), null, null));
  }

  /** A conversation without a system message of the app's own. */
  public Conversation conversation() {
    return conversation(List.of());
  }

  /** A conversation that begins with a system message. */
  public Conversation conversation(String system) {
    return conversation(List.of(Message.system(system)));
  }

  private Conversation conversation(List<Message> beginning) {
    requireOpen();
    return new ChatConversation(serving, prompts, beginning);
  }

  /**
   * A scorer that can be fed {@link #contextLength()} tokens, or as many as {@link
   * Builder#kvMemory} holds, if those are fewer.
   *
   * @throws CapacityException if that much KV cache is not free now
   */
  public Scorer scorer() {
    return scorer(largestSession);
  }

  /**
   * A scorer that can be fed {@code capacity} tokens.
   *
   * @throws CapacityException if that much KV cache is not free now
   */
  public Scorer scorer(int capacity) {
    requireOpen();
    if (capacity < 1) {
      throw new InvalidRequestException("a scorer's capacity of " + capacity + " is less than 1");
    }
    return serving.scorer(capacity);
  }

  public Tokenizer tokenizer() {
    requireOpen();
    return engine.tokenizer();
  }

  public ChatTemplate chatTemplate() {
    requireOpen();
    return engine.chatTemplate();
  }

  public ModelSpec modelSpec() {
    return engine.modelSpec();
  }

  /** Which kernels compute, and why not faster ones. */
  public KernelInfo kernels() {
    return engine.kernels();
  }

  /** The most tokens of a session, prompt and output together. */
  public int contextLength() {
    return engine.contextLength();
  }

  public KvType kvType() {
    return engine.kvType();
  }

  /**
   * This device as a member of the cluster it has joined.
   *
   * @throws IllegalStateException if it was opened without {@link Builder#cluster}
   */
  public ClusterMember cluster() {
    if (link == null) {
      throw new IllegalStateException("this model was opened without a cluster");
    }
    return link;
  }

  /** How long {@link Builder#open()} took. */
  public Duration loadTime() {
    return loadTime;
  }

  /** What is held now. */
  public ServingStats stats() {
    return serving.stats();
  }

  /**
   * Cancels what runs and releases the model after its last use. Returns when that is done, which
   * takes no longer than the batch in flight; if the calling thread is interrupted, or is the one
   * that computes, it is done soon after. Does nothing the second time.
   */
  @Override
  public void close() {
    closed = true;
    serving.close();
    if (link != null) {
      link.close();
      engine.close();
    }
    if (found != null) {
      found.close();
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new ClosedException("the model was closed");
    }
  }

  /**
   * How to open a model. Only the model must be given, or a cluster that has it. Not thread-safe.
   */
  public static final class Builder {
    private static final int MOST_BATCH_ROWS = 1 << 16;
    private static final int BATCH_ROWS = 512;

    private @Nullable ModelSource source;
    private @Nullable EngineProvider provider;
    private int threads;
    private int context;
    private @Nullable KvType kvType;
    private long kvMemory;
    private int batchRows;
    private int queueLimit = 1024;
    private Consumer<Progress> onProgress = progress -> {};
    private @Nullable Cluster cluster;
    private Duration patience = Duration.ofSeconds(60);
    private Share share = Share.none();
    private @Nullable DeviceProfile profile;
    private @Nullable Plan plan;
    private PlanOptions planOptions = PlanOptions.DEFAULTS;
    private Slo slo = Slo.NONE;
    private @Nullable Workload workload;
    private @Nullable KeptEnds ends;
    private Consumer<ClusterEvent> onEvent = event -> {};

    private Builder() {}

    /** A GGUF file, or the first file of a split set. */
    public Builder model(Path file) {
      source = ModelSource.of(Objects.requireNonNull(file, "file"));
      return this;
    }

    /**
     * A GGUF file inside an open channel (an Android asset has no path). The channel must stay open
     * until the model is closed, and is not closed by it.
     */
    public Builder model(FileChannel channel, long offset, long length) {
      if (offset < 0 || length < 1) {
        throw new InvalidRequestException(
            "a model at offset " + offset + " of length " + length + " in a channel");
      }
      source = ModelSource.of(Objects.requireNonNull(channel, "channel"), offset, length);
      return this;
    }

    /** For tests: an engine that is not looked up. */
    Builder provider(EngineProvider engines) {
      provider = engines;
      return this;
    }

    /** Threads that compute; unset or 0, as many as physical cores. */
    public Builder threads(int count) {
      threads = atLeast(0, count, "threads");
      return this;
    }

    /**
     * Most tokens of a session; unset or 0, as in the cluster that the model comes from, or
     * min(what the model was trained for, 4096).
     */
    public Builder context(int tokens) {
      context = atLeast(0, tokens, "context");
      return this;
    }

    /** How KV cache is stored; unset, as in the cluster that the model comes from, or F16. */
    public Builder kvType(KvType type) {
      kvType = Objects.requireNonNull(type, "type");
      return this;
    }

    /**
     * The most KV cache all sessions may have together; rather than exceed it requests wait, and
     * where answers get longer than those before them, generations that began later pause. Unset,
     * half of the most heap the JVM may use.
     */
    public Builder kvMemory(long bytes) {
      if (bytes < 1) {
        throw new InvalidRequestException("kvMemory " + bytes + " is less than 1 byte");
      }
      kvMemory = bytes;
      return this;
    }

    /**
     * Most tokens of one forward pass; unset, as in the cluster that the model comes from, or 512.
     */
    public Builder batch(int rows) {
      if (rows > MOST_BATCH_ROWS) {
        throw new InvalidRequestException("batch " + rows + " is more than " + MOST_BATCH_ROWS);
      }
      batchRows = atLeast(1, rows, "batch");
      return this;
    }

    /** Most generations that may wait for memory; unset, 1024. */
    public Builder queueLimit(int requests) {
      queueLimit = atLeast(0, requests, "queueLimit");
      return this;
    }

    /**
     * What requests are to be served in; unset, nothing in particular. Where more comes than can be
     * served in time, as many as possible are, instead of all of them late: requests that can still
     * have their first token in time begin before those that cannot, which wait until there is time
     * but are never refused or forgotten; no more generate together, and no longer chunks of
     * prompts are computed beside them, than have their tokens in time. How long steps take is
     * learned from them, so nothing of it shows before the first prompts were computed.
     *
     * <p>In a cluster it is a wish for all: the strictest limits that any app states hold, plans
     * for throughput are made with them, sessions are placed so as to keep them, and every host
     * keeps them in view. A plan of an app's own says itself what is kept.
     */
    public Builder slo(Slo wished) {
      slo = Objects.requireNonNull(wished, "wished");
      return this;
    }

    /**
     * What requests are expected of this app, for the plans of a cluster: how long prompts and
     * answers are, the output limit that requests state, and how many come in a second or run at a
     * time. Unset, short chats. Asks for throughput ({@link #planOptions}) if it has a rate or more
     * than one runs at a time; what several apps expect adds up.
     */
    public Builder workload(Workload expected) {
      workload = Objects.requireNonNull(expected, "expected");
      return this;
    }

    /** Is told how far {@link #open()} has come, on the thread that calls it. */
    public Builder onProgress(Consumer<Progress> listener) {
      onProgress = Objects.requireNonNull(listener, "listener");
      return this;
    }

    /**
     * Joins a cluster: its devices compute together, and any of them generates. What this one
     * offers says {@link #share}.
     */
    public Builder cluster(Cluster joined) {
      cluster = Objects.requireNonNull(joined, "joined");
      return this;
    }

    /**
     * How long {@link #open()} waits for a peer that has the cluster's model, where none was given
     * here; unset, a minute.
     */
    public Builder patience(Duration longest) {
      if (longest.isNegative() || longest.isZero()) {
        throw new InvalidRequestException("patience of " + longest + " is not above 0");
      }
      patience = longest;
      return this;
    }

    /** What this device offers the cluster; unset, nothing. */
    public Builder share(Share offered) {
      share = Objects.requireNonNull(offered, "offered");
      return this;
    }

    /** How fast this device is, where that is known; unset, it is measured. */
    public Builder profile(DeviceProfile known) {
      profile = Objects.requireNonNull(known, "known");
      return this;
    }

    /** A plan of the app's own, in force whenever all its devices are there. */
    public Builder plan(Plan forced) {
      plan = Objects.requireNonNull(forced, "forced");
      return this;
    }

    /**
     * What the app wishes of plans: pins, exclusions, preferences, throughput. Types and context
     * follow from the model as it is opened.
     */
    public Builder planOptions(PlanOptions wishes) {
      planOptions = Objects.requireNonNull(wishes, "wishes");
      return this;
    }

    /**
     * Wishes that a device hosts exactly these layers, in addition to what {@link #planOptions}
     * said before. Ids of devices are those of {@link ClusterStatus#peers()}; they stay the same as
     * long as a device keeps its folder. What is wished of a device that is not there waits for it.
     */
    public Builder pin(String device, LayerRange layers) {
      planOptions = planOptions.toBuilder().pin(device, layers).build();
      return this;
    }

    /** Wishes that a device hosts nothing; see {@link #pin}. */
    public Builder exclude(String device) {
      planOptions = planOptions.toBuilder().exclude(device).build();
      return this;
    }

    /** Wishes that a device is used where that costs little; see {@link #pin}. */
    public Builder prefer(String device) {
      planOptions = planOptions.toBuilder().prefer(device).build();
      return this;
    }

    /**
     * Keeps the embedding, the first and the last layers and the output head on this device for the
     * generations of this app: tokens never leave it, and other devices see hidden states between
     * these layers only. Sessions wait for a plan that keeps to that. Needs a {@link #share} with
     * room for these layers, and one device of a cluster may ask for it at a time.
     *
     * @param first layers from layer 0 on, at least 1
     * @param last layers before the head, at least 1
     */
    public Builder keepEnds(int first, int last) {
      ends = new KeptEnds(first, last);
      return this;
    }

    /** Is told what happens in the cluster; must be quick. */
    public Builder onEvent(Consumer<ClusterEvent> listener) {
      onEvent = Objects.requireNonNull(listener, "listener");
      return this;
    }

    private ClusterLink join(
        Engine engine, @Nullable FoundModel found, Cluster joined, long kvBytes) {
      PlanOptions options =
          planOptions.toBuilder()
              .kvType(engine.kvType())
              .contextLength(engine.contextLength())
              .throughput(planOptions.throughput() || (workload != null && workload.isMany()))
              .build();
      TransportProvider.Joining joining =
          new TransportProvider.Joining(
              joined,
              share,
              source,
              engines()::layout,
              engine,
              batchRows(found),
              Modules.planner(),
              offered(engine, joined),
              profile == null,
              options,
              slo,
              workload,
              ends,
              plan,
              kvBytes,
              queueLimit,
              onEvent);
      return found != null ? found.join(joining) : Modules.transport().join(joining);
    }

    private @Nullable DeviceProfile offered(Engine engine, Cluster joined) {
      if (share.isNone() || profile != null) {
        return share.isNone() ? null : profile;
      }
      return engine
          .speed(joined.folder())
          .profile("self", "this device", share.memoryBytes(), Modules.transport().nic());
    }

    private static int atLeast(int least, int value, String field) {
      if (value < least) {
        throw new InvalidRequestException(field + " " + value + " is less than " + least);
      }
      return value;
    }

    /**
     * Opens the model. Where only a cluster was given, the header and the tokenizer come from its
     * peers, and this waits until one has them, {@link #patience} at most; interrupting the thread
     * ends the wait.
     *
     * @throws MissingModuleException if no engine is on the class path
     * @throws ModelFormatException if the file is damaged
     * @throws UnsupportedModelException if it asks for what the engine does not compute
     * @throws org.e2llm.cluster.NoModelException if no peer has a model
     */
    public E2llm open() {
      long start = System.nanoTime();
      if (ends != null && (cluster == null || share.isNone())) {
        throw new InvalidRequestException(
            "keepEnds(…) has this device host layers in a cluster: it needs cluster(…) and"
                + " share(Share.memory(…))");
      }
      if (source != null) {
        return open(source, null, start);
      }
      if (cluster == null) {
        throw new InvalidRequestException(
            "no model was given: call model(path) first, or cluster(…) to take a cluster's");
      }
      FoundModel found =
          Modules.transport()
              .find(
                  new TransportProvider.Finding(
                      cluster, engines()::layout, patience, onProgress, onEvent));
      try {
        return open(found.source(), found, start);
      } catch (RuntimeException | Error e) {
        found.close();
        throw e;
      }
    }

    private E2llm open(ModelSource from, @Nullable FoundModel found, long start) {
      int computing = threads == 0 ? share.threads() : threads;
      int tokens = context == 0 && found != null ? found.contextLength() : context;
      EngineOptions options = new EngineOptions(computing, tokens, kvType(found), batchRows(found));
      Engine engine = engines().open(from, options, onProgress);
      try {
        return new E2llm(engine, found, this, start);
      } catch (RuntimeException | Error e) {
        engine.close();
        throw e;
      }
    }

    private EngineProvider engines() {
      return provider != null ? provider : Modules.engine();
    }

    private KvType kvType(@Nullable FoundModel found) {
      KvType known = kvType != null || found == null ? kvType : found.kvType();
      return known == null ? KvType.F16 : known;
    }

    private int batchRows(@Nullable FoundModel found) {
      int known = batchRows != 0 || found == null ? batchRows : found.batchRows();
      return known == 0 ? BATCH_ROWS : known;
    }
  }
}
