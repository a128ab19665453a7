package org.e2llm.transport.stage;

import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.StageLostException;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.Stage;
import org.e2llm.pipeline.TokenSink;
import org.e2llm.plan.StagePlan;
import org.jspecify.annotations.Nullable;

/**
 * The rings whose first stage is on this device: how they begin, and that they break when a stage
 * is late or lost. Thread-safe; what it makes is made on the thread of {@link StageHost}.
 */
final class OwnRings {
  private static final Logger LOG = Logger.getLogger(OwnRings.class.getName());

  /** How long a ring waits until the one before it on this device has ended. */
  private static final long ENDS = TimeUnit.SECONDS.toNanos(2);

  /** A ring that is to begin here. */
  private static final class Making {
    final Ring ring;
    final TokenSink sink;
    final long since;
    final CompletableFuture<RingReplica> ready = new CompletableFuture<>();

    /** Belongs to the thread. */
    boolean begun;

    Making(Ring ring, TokenSink sink, long since) {
      this.ring = ring;
      this.sink = sink;
      this.since = since;
    }
  }

  private final Links links;
  private final StageSource source;
  private final RingGate gate;
  private final KeptStages kept;
  private final Executor thread;
  private final LongSupplier clock;
  private final LateDevices late = new LateDevices();

  /** Each until its first stage is made. */
  private final Set<Making> making = ConcurrentHashMap.newKeySet();

  private final Map<Long, RingReplica> replicas = new ConcurrentHashMap<>();
  private volatile long lastBroken;

  /**
   * None begins here.
   *
   * @param thread of the stage host
   * @param clock nanoseconds since any fixed moment
   */
  OwnRings(
      Links links,
      StageSource source,
      RingGate gate,
      KeptStages kept,
      Executor thread,
      LongSupplier clock) {
    this.links = links;
    this.source = source;
    this.gate = gate;
    this.kept = kept;
    this.thread = thread;
    this.clock = clock;
  }

  /** See {@link StageHost#replica}. */
  CompletableFuture<RingReplica> make(Ring ring, TokenSink sink) {
    giveWay(ring);
    Making made = new Making(ring.replacing(lastBroken), sink, clock.getAsLong());
    making.add(made);
    for (RingReplica before : replicas.values()) {
      if (before.isLeaving()) {
        before.left().thenRun(() -> thread.execute(() -> make(made)));
        return made.ready; // or tick makes it
      }
    }
    thread.execute(() -> make(made));
    return made.ready;
  }

  /**
   * Breaks a set-up that waits for a device which a newer plan does without, such as one that
   * hangs: the new ring goes on with what that one has taken over. Never for an older plan, whose
   * ring is set up again as long as the new one does not serve: both would break each other for
   * ever.
   */
  private void giveWay(Ring to) {
    for (RingReplica replica : replicas.values()) {
      if (replica.ring().plan().compareTo(to.plan()) < 0 && replica.waitsForOneWithout(to)) {
        replica.broken("a newer plan does without a device that is not ready");
      }
    }
  }

  private void make(Making made) {
    if (made.begun) {
      return;
    }
    made.begun = true;
    String lost = lostDevice(made.ring);
    if (lost != null) {
      making.remove(made);
      made.ready.completeExceptionally(
          new StageLostException("device " + lost + " is not connected"));
      return;
    }
    LayerRange layers = made.ring.stages().get(0).layers();
    try {
      KeptStages.Left left = kept.take(made.ring, links.self(), layers);
      Stage before = left == null ? null : left.stage();
      Stage first = before == null ? source.stage(layers) : before;
      if (making.remove(made)) {
        connect(made, first, left);
      } else if (left == null) {
        first.close(); // it took too long
      } else {
        left.close();
      }
    } catch (RuntimeException | OutOfMemoryError e) {
      making.remove(made);
      made.ready.completeExceptionally(e);
    }
  }

  /** Such a ring must not take what another one can go on with. Null if all are there. */
  private @Nullable String lostDevice(Ring ring) {
    for (StagePlan stage : ring.stages()) {
      if (!links.reaches(stage.device())) {
        return stage.device();
      }
    }
    return null;
  }

  private void connect(Making made, Stage stage, KeptStages.@Nullable Left left) {
    Ring ring = made.ring;
    int patience = late.patience(ring, clock.getAsLong());
    FirstStage first =
        new FirstStage(ring, stage, left, kept, gate.room(ring).kvTokens(), source.hiddenSize());
    first.drivenBy(work -> thread.execute(() -> first.inSetUp(work)));
    RingSteps steps = new RingSteps(ring, patience, clock);
    RingReplica replica = new RingReplica(ring, first, steps, source, links, made.sink);
    // Who sees that it is broken may make the next one at once, which has to name it.
    replica.onBreak(() -> lastBroken = ring.id());
    replica.onClose(() -> thread.execute(() -> replicas.remove(ring.id())));
    replicas.put(ring.id(), replica);
    replica
        .connect()
        .whenComplete(
            (done, error) -> {
              if (error == null) {
                made.ready.complete(done);
              } else {
                thread.execute(replica::close);
                made.ready.completeExceptionally(error);
              }
            });
  }

  /** Null if it does not begin here. */
  @Nullable RingReplica get(long ring) {
    return replicas.get(ring);
  }

  /** The host of this ring, in which this device had a stage, was lost. */
  void lostHostOf(long ring) {
    lastBroken = ring;
  }

  /** Breaks those that a device is part of. */
  void lost(String device) {
    for (RingReplica replica : replicas.values()) {
      if (replica.ring().has(device)) {
        replica.broken("device " + device + " was lost");
      }
    }
  }

  /** Breaks all. */
  void breakAll(String why) {
    replicas.values().forEach(replica -> replica.broken(why));
  }

  /** To be called several times a second, from any thread but that of the stage host. */
  void tick() {
    long now = clock.getAsLong();
    for (Making made : making) {
      if (now - made.since >= RingWatch.SET_UP && making.remove(made)) {
        made.ready.completeExceptionally(
            new StageLostException("the first stage of " + made.ring + " was not set up"));
      } else if (now - made.since >= ENDS) {
        thread.execute(() -> make(made));
      }
    }
    for (RingReplica replica : replicas.values()) {
      String device = replica.tick();
      if (device != null) {
        late.add(device, now);
        LOG.log(Level.WARNING, "{0} broke: device {1} is late", new Object[] {replica, device});
      }
    }
  }

  /** Devices at which rings broke because they were late. */
  Set<String> late() {
    return late.devices();
  }

  /** Whether a first stage still computes though its ring has been broken for so long. */
  boolean isStuck(long nanos) {
    return replicas.values().stream().anyMatch(replica -> replica.isStuck(nanos));
  }
}
