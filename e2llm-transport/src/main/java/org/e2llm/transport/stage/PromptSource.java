package org.e2llm.transport.stage;

import java.util.Arrays;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.pipeline.ReplicaSession;
import org.e2llm.plan.StagePlan;
import org.e2llm.serving.KvSource;
import org.e2llm.transport.wire.FieldWriter;
import org.jspecify.annotations.Nullable;

/**
 * The side of a hand-off that decodes, on the device of its first stage: has the stages take
 * pieces, asks the prompt host, and gives up when nothing comes any more.
 *
 * <p>{@link #begin} and {@link #end} come on the serving thread, the rest on any.
 */
final class PromptSource implements KvSource {
  private static final Logger LOG = Logger.getLogger(PromptSource.class.getName());

  private final KvExchange exchange;
  private final KvReplica replica;
  private final String promptHost;
  private final StagePlan first;
  private final long handoff;

  // Belonging to the serving thread.
  private @Nullable KvReceiver receiver;

  // Guarded by this.
  private @Nullable PromptFill fill;
  private @Nullable Listener listener;
  private int[] tokens = {};
  private int from;
  private boolean ended;

  PromptSource(KvExchange exchange, KvReplica replica, String promptHost) {
    this.exchange = exchange;
    this.replica = replica;
    this.promptHost = promptHost;
    this.first = replica.stages().get(0);
    this.handoff = exchange.newHandoff();
  }

  long handoff() {
    return handoff;
  }

  @Override
  public boolean begin(ReplicaSession session, int[] prompt, int held, Listener told) {
    int to = prompt.length - 1;
    if (to <= held || replica.replays(session.id())) {
      return false;
    }
    synchronized (this) {
      fill = new PromptFill(replica.stages(), held, to, exchange.now());
      listener = told;
      tokens = prompt;
      from = held;
    }
    exchange.add(this);
    KvCodec.Expect what = new KvCodec.Expect(session.id(), handoff, held, to, replica.type());
    receiver =
        new KvReceiver(
            exchange,
            what,
            first.layers(),
            session,
            replica.loop()::execute,
            new KvReceiver.Listener() {
              @Override
              public void held(int position) {
                PromptSource.this.held(first.device(), first.layers().from(), position);
              }

              @Override
              public void failed(String why) {
                PromptSource.this.failed(why);
              }
            });
    if (!exchange.register(receiver)) {
      failed("the number of the hand-off is in use");
    }
    replica.pass(KvFrames.KV_EXPECT, what::write);
    held(first.device(), first.layers().from(), held);
    return true;
  }

  /** A stage of this replica holds so much. */
  synchronized void held(String device, int firstLayer, int position) {
    if (fill != null && !ended) {
      int before = fill.prefix();
      fill.held(device, firstLayer, position, exchange.now());
      if (listener != null && fill.prefix() > before) {
        listener.reached(fill.prefix());
      }
      act();
    }
  }

  /** The prompt host says how far it is. */
  synchronized void computed(String peer, int position) {
    if (fill != null && peer.equals(promptHost)) {
      fill.computed(position, exchange.now());
    }
  }

  synchronized void failed(String why) {
    if (fill != null) {
      fill.failed(why);
      act();
    }
  }

  /** Frames to or from the device may be lost. */
  void lost(String device) {
    if (device.equals(promptHost)) {
      failed("prompt host " + device + " was lost");
    }
  }

  /** Time has passed. */
  synchronized void tick() {
    if (replica.isBroken()) {
      failed("a stage was lost"); // the session goes on elsewhere, and hears so from its next step
    }
    act();
  }

  private void act() {
    PromptFill now = fill;
    Listener told = listener;
    if (now == null || told == null || ended) {
      return;
    }
    PromptFill.Next next = now.next(exchange.now());
    if (next == PromptFill.Next.ASK && !ask()) {
      now.failed("prompt host " + promptHost + " cannot be reached");
      next = PromptFill.Next.END;
    }
    if (next == PromptFill.Next.END) {
      listener = null;
      told.over();
    }
  }

  private boolean ask() {
    int[] wanted = Arrays.copyOf(tokens, tokens.length - 1);
    FieldWriter out = new FieldWriter(128 + 4 * wanted.length);
    new KvCodec.Prompt(handoff, from, replica.type(), replica.stages(), wanted).write(out);
    return exchange.send(promptHost, KvFrames.PROMPT, out);
  }

  @Override
  public int end() {
    exchange.remove(this);
    KvReceiver own = receiver;
    if (own != null) {
      own.close();
    }
    boolean asked;
    boolean complete;
    int prefix;
    String reason;
    synchronized (this) {
      ended = true;
      listener = null;
      PromptFill now = fill;
      asked = now != null && now.isAsked();
      complete = now != null && now.isComplete();
      prefix = now == null ? 0 : now.prefix();
      reason = now == null ? "" : now.reason();
    }
    if (asked) {
      exchange.send(promptHost, KvFrames.PROMPT_STOP, new FieldWriter(8).i64(handoff));
    }
    exchange.counted(complete);
    if (complete) {
      LOG.log(Level.FINE, "the KV of {0} tokens came from {1}", new Object[] {prefix, promptHost});
    } else {
      LOG.log(
          Level.CONFIG,
          "a prompt is computed here from position {0} on, not by {1}: {2}",
          new Object[] {prefix, promptHost, reason.isEmpty() ? "the session ended" : reason});
    }
    return prefix;
  }
}
