package org.e2llm.transport.stage;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.e2llm.E2llmException;
import org.e2llm.pipeline.ReplicaSession;
import org.e2llm.pipeline.SamplingSpec;
import org.e2llm.plan.StagePlan;
import org.e2llm.serving.KvTarget;
import org.e2llm.serving.Submission;
import org.e2llm.text.SamplingParams;
import org.e2llm.transport.wire.FieldWriter;
import org.jspecify.annotations.Nullable;

/**
 * The side of a hand-off that computes the prompt, on the device of its first stage. It takes its
 * turn among all sessions here, samples nothing, and stays until the other side has what it wants
 * or is gone.
 */
final class PromptTarget implements KvTarget {
  private static final SamplingSpec NOTHING = new SamplingSpec(SamplingParams.GREEDY, null);

  /** The other side does it itself rather than wait any longer for its turn. */
  private static final Duration QUEUE = Duration.ofNanos(PromptFill.CHUNK);

  /**
   * A computed prompt that nobody stops is freed after so long, however slow the links are. Who
   * asked stops it or is lost long before.
   */
  private static final long UNFETCHED = TimeUnit.MINUTES.toNanos(10);

  private final KvExchange exchange;
  private final KvReplica replica;
  private final String peer;
  private final KvCodec.Prompt prompt;

  // Belonging to the serving thread.
  private @Nullable KvSender sender;

  private final StoppableGeneration generation = new StoppableGeneration();

  // Guarded by this.
  private boolean computed;
  private long computedAt;

  /**
   * Computes nothing yet.
   *
   * @param peer who asked
   */
  PromptTarget(KvExchange exchange, KvReplica replica, String peer, KvCodec.Prompt prompt) {
    this.exchange = exchange;
    this.replica = replica;
    this.peer = peer;
    this.prompt = prompt;
  }

  KvExchange.Asked key() {
    return new KvExchange.Asked(peer, prompt.handoff());
  }

  /** Queues the prompt. */
  void start() {
    String why = refusal();
    if (why != null) {
      over(why);
      return;
    }
    Submission submission =
        new Submission(
            prompt.tokens(),
            1,
            NOTHING,
            List.of(),
            QUEUE,
            progress -> tellProgress((int) progress.done()),
            null,
            (result, error) ->
                over(error == null ? "the prompt was cancelled" : String.valueOf(error)),
            null,
            Duration.ZERO);
    try {
      generation.runs(replica.loop().prefill(submission, this));
    } catch (E2llmException e) {
      over(String.valueOf(e.getMessage()));
    }
  }

  /** Null if both replicas hold the same layers, each once. */
  private @Nullable String refusal() {
    List<StagePlan> own = replica.stages();
    int layers = own.get(own.size() - 1).layers().to();
    int next = 0;
    for (StagePlan stage : prompt.stages()) {
      if (stage.layers().from() != next) {
        return "layers of the replica that decodes do not follow each other";
      }
      next = stage.layers().to();
    }
    return next == layers ? null : "a model of " + next + " layers, this one has " + layers;
  }

  /** Nobody needs it any more. */
  void stop() {
    generation.stop();
  }

  /** Time has passed. */
  void tick() {
    boolean end;
    synchronized (this) {
      end = computed && exchange.now() - computedAt >= UNFETCHED;
    }
    if (end || replica.isBroken()) {
      stop();
    }
  }

  /** It ended, or never began; whoever asked hears of it unless it wanted that. */
  private void over(String why) {
    boolean unasked = generation.stop();
    exchange.remove(this);
    if (unasked || replica.isBroken()) {
      exchange.tellFailed(peer, prompt.handoff(), why);
    }
  }

  private void tellProgress(int position) {
    FieldWriter out = new FieldWriter(12).i64(prompt.handoff()).i32(position);
    exchange.send(peer, KvFrames.PROMPT_PROGRESS, out);
  }

  // The session; on the serving thread.

  @Override
  public void opened(ReplicaSession session) {
    KvCodec.Expect what =
        new KvCodec.Expect(
            session.id(), prompt.handoff(), prompt.from(), prompt.tokens().length, prompt.type());
    KvCodec.Push push = new KvCodec.Push(what, prompt.stages());
    KvSender own =
        new KvSender(
            exchange, push, replica.stages().get(0).layers(), session, replica.loop()::execute);
    if (exchange.register(own)) {
      sender = own;
    }
    replica.pass(KvFrames.KV_PUSH, push::write);
    tellProgress(0);
  }

  @Override
  public void advanced() {
    KvSender own = sender;
    if (own != null) {
      own.pump();
    }
  }

  @Override
  public void computed() {
    synchronized (this) {
      computed = true;
      computedAt = exchange.now();
    }
    tellProgress(prompt.tokens().length);
  }

  @Override
  public void ended() {
    KvSender own = sender;
    if (own != null) {
      own.close();
    }
  }
}
