package org.e2llm.transport;

import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.e2llm.ServingStats;
import org.e2llm.cluster.ClusterStatus.Handoffs;
import org.e2llm.cluster.ClusterStatus.StageLoad;
import org.e2llm.model.LayerRange;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.Plan;
import org.e2llm.plan.ReplicaPlan;
import org.e2llm.plan.StepWork;
import org.e2llm.transport.net.ConnectionStats;
import org.e2llm.transport.wire.FieldReader;
import org.e2llm.transport.wire.FieldWriter;
import org.jspecify.annotations.Nullable;

/**
 * What stages do, told by each device to those it is connected with: once a second as long as
 * anything changes, every {@value #REPEAT} s otherwise. Small frames of their own, because nobody
 * has to hand them on and the last one is all that counts:
 *
 * <pre>
 *  0x14  u32 from, to; f64 tokens per second, step seconds, residual; u32 sessions, queued;
 *        string next; f64 bytes per token;
 *        i64 hand-offs that came whole, that did not, bytes of them sent, received
 * </pre>
 *
 * An empty payload says that there is no stage. Belongs to the thread of {@link ClusterPeer}.
 */
final class StageReports {
  static final byte TYPE = 0x14;

  private static final long SECOND = 1_000_000_000L;
  private static final int REPEAT = 5;
  private static final int MOST = 128;

  /** How long a step should take. */
  interface Prediction {
    double seconds(DeviceProfile device, LayerRange layers, StepWork step);
  }

  /**
   * Measured over predicted time: 1.1 if steps take a tenth longer; 0 where there were none.
   *
   * @param decodes of steps of one token per session
   * @param prompts of steps with many tokens of prompts
   */
  record Residuals(double decodes, double prompts) {
    static final Residuals NONE = new Residuals(0, 0);
  }

  /** What is known of this device. */
  interface Here {
    /** Null if it shares nothing. */
    @Nullable DeviceProfile profile();

    StageMeter meter(LayerRange layers);

    /** Of the replica that begins here, or null. */
    @Nullable ServingStats serving();

    Handoffs handoffs();

    /** Of the hot connection to the peer, or null. */
    @Nullable ConnectionStats connection(String peer);
  }

  private final String self;
  private final Here here;
  private final Prediction prediction;
  private final Map<String, StageLoad> heard = new ConcurrentHashMap<>();

  private @Nullable StageLoad own;
  private @Nullable LayerRange layers;

  /** What was reported already, by layers: what a stage did before it was looked at counts too. */
  private final Map<LayerRange, StageMeter.Totals> reported = new HashMap<>();

  private String next = "";
  private long sentBefore;
  private long at;
  private @Nullable StageLoad told;
  private Residuals fresh = Residuals.NONE;
  private int silent = REPEAT;

  StageReports(String self, Here here, Prediction prediction) {
    this.self = self;
    this.here = here;
    this.prediction = prediction;
  }

  /**
   * Looks at what was done in the last second.
   *
   * @param plan in force, or null
   * @return what is to be told to all now, or null
   */
  @Nullable FieldWriter tick(@Nullable Plan plan, long now) {
    find(plan);
    if (at != 0 && now - at < SECOND) {
      return null;
    }
    double seconds = at == 0 ? 1 : (now - at) / 1e9;
    at = now;
    fresh = Residuals.NONE;
    own = look(seconds);
    boolean changed = own == null ? told != null : !own.equals(told);
    if (!changed && ++silent < REPEAT) {
      return null;
    }
    silent = 0;
    told = own;
    return write(own);
  }

  /** This device's stage in the plan; the first one where it has two. */
  private void find(@Nullable Plan plan) {
    LayerRange found = null;
    String after = "";
    if (plan != null) {
      for (ReplicaPlan replica : plan.replicas()) {
        int stages = replica.stages().size();
        for (int i = 0; i < stages; i++) {
          if (found == null && replica.stages().get(i).device().equals(self)) {
            found = replica.stages().get(i).layers();
            after = stages == 1 ? "" : replica.stages().get((i + 1) % stages).device();
          }
        }
      }
    }
    if (found == null ? layers != null : !found.equals(layers) || !after.equals(next)) {
      layers = found;
      next = after;
      own = null;
      sentBefore = sent();
    }
  }

  private @Nullable StageLoad look(double seconds) {
    LayerRange range = layers;
    if (range == null) {
      return null;
    }
    ServingStats serving = here.serving();
    int sessions = serving == null ? 0 : serving.activeSessions();
    int queued = serving == null ? 0 : serving.queued();
    StageMeter.Totals totals = here.meter(range).totals();
    StageMeter.Totals done = totals.minus(reported.getOrDefault(range, StageMeter.Totals.NOTHING));
    long sent = sent();
    StageLoad last = own;
    // A connection that is new counts from 0 again.
    long since = Math.max(0, sent - sentBefore);
    sentBefore = sent;
    if (done.rows() == 0) {
      StageLoad idle =
          last == null ? new StageLoad(range, 0, 0, 0, 0, 0, next, 0, Handoffs.NONE) : last;
      return new StageLoad(
          range,
          idle.tokensPerSecond(),
          idle.stepSeconds(),
          idle.residual(),
          sessions,
          queued,
          next,
          idle.bytesPerToken(),
          here.handoffs());
    }
    reported.put(range, totals);
    fresh = new Residuals(residual(range, done.decodes()), residual(range, done.prompts()));
    double step = last == null ? 0 : last.stepSeconds();
    double residual = last == null ? 0 : last.residual();
    if (done.decodes().count() > 0) {
      step = done.decodes().seconds();
      residual = fresh.decodes();
    }
    return new StageLoad(
        range,
        done.rows() / seconds,
        step,
        residual,
        sessions,
        queued,
        next,
        (double) since / done.rows(),
        here.handoffs());
  }

  private double residual(LayerRange range, StageMeter.Steps steps) {
    DeviceProfile device = here.profile();
    if (device == null || steps.count() == 0) {
      return 0;
    }
    double predicted = prediction.seconds(device, range, steps.work());
    return predicted > 0 ? steps.seconds() / predicted : 0;
  }

  private long sent() {
    ConnectionStats stats = next.isEmpty() ? null : here.connection(next);
    return stats == null ? 0 : stats.bytesSent();
  }

  /** What the peer's stage did, or null. Any thread. */
  @Nullable StageLoad of(String peer) {
    return heard.get(peer);
  }

  /** Those of the last second, the first time that this is called after it. */
  Residuals takeResiduals() {
    Residuals residuals = fresh;
    fresh = Residuals.NONE;
    return residuals;
  }

  /** What a peer is to be told that has just come; null if there is nothing to tell. */
  @Nullable FieldWriter current() {
    return told == null ? null : write(told);
  }

  /** What this device's stage did, or null. */
  @Nullable StageLoad own() {
    return own;
  }

  /** Forgets all but these. */
  void retain(Collection<String> peers) {
    heard.keySet().retainAll(peers);
  }

  /** A peer said what its stage did; any thread. */
  void received(String peer, ByteBuffer payload) {
    if (!payload.hasRemaining()) {
      heard.remove(peer);
      return;
    }
    FieldReader in = new FieldReader(payload);
    int from = in.i32("stage.from", 0, Integer.MAX_VALUE - 1);
    LayerRange range = LayerRange.of(from, in.i32("stage.to", from + 1, Integer.MAX_VALUE));
    double tokens = in.f64("stage.tokensPerSecond");
    double step = in.f64("stage.stepSeconds");
    double residual = in.f64("stage.residual");
    int sessions = in.i32("stage.sessions", 0, Integer.MAX_VALUE);
    int queued = in.i32("stage.queued", 0, Integer.MAX_VALUE);
    String after = in.string("stage.next");
    double bytes = in.f64("stage.bytesPerToken");
    Handoffs handoffs =
        new Handoffs(
            count(in, "stage.handoffs.complete"),
            count(in, "stage.handoffs.broken"),
            count(in, "stage.handoffs.sentBytes"),
            count(in, "stage.handoffs.receivedBytes"));
    in.end("report of a stage");
    if (heard.size() < MOST || heard.containsKey(peer)) {
      heard.put(
          peer,
          new StageLoad(range, tokens, step, residual, sessions, queued, after, bytes, handoffs));
    }
  }

  private static long count(FieldReader in, String field) {
    return in.i64(field, 0, Long.MAX_VALUE);
  }

  private static FieldWriter write(@Nullable StageLoad load) {
    FieldWriter out = new FieldWriter(160);
    if (load != null) {
      out.i32(load.layers().from()).i32(load.layers().to());
      out.f64(load.tokensPerSecond()).f64(load.stepSeconds()).f64(load.residual());
      out.i32(load.sessions()).i32(load.queued()).string(load.next()).f64(load.bytesPerToken());
      Handoffs handoffs = load.handoffs();
      out.i64(handoffs.complete()).i64(handoffs.broken());
      out.i64(handoffs.sentBytes()).i64(handoffs.receivedBytes());
    }
    return out;
  }
}
