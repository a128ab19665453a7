package org.e2llm.transport.stage;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.E2llmException;
import org.e2llm.InvalidRequestException;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.Batch;
import org.e2llm.pipeline.Caller;
import org.e2llm.pipeline.Stage;
import org.e2llm.pipeline.StageOutput;
import org.jspecify.annotations.Nullable;

/**
 * The first stage of a ring, on its host: what it computes, with what sessions go on in the ring,
 * and what is left of them afterwards. Belongs to the thread that drives the ring.
 */
final class FirstStage {
  private static final Logger LOG = Logger.getLogger(FirstStage.class.getName());
  private static final float[] NOTHING = {};

  private final Stage stage;
  private final RingSessions sessions;
  private final KeptSurvey survey;
  private final KeptStages kept;
  private final long kvTokens;
  private final int width;
  private final CompletableFuture<Void> left = new CompletableFuture<>();
  private volatile Executor driver = work -> {};

  /**
   * Takes the stage over.
   *
   * @param before what an earlier ring has left of it, or null
   * @param kept takes what this one leaves
   * @param kvTokens the most tokens that the ring's stages may cache at the same time
   * @param width floats of a hidden state
   */
  FirstStage(
      Ring ring,
      Stage stage,
      KeptStages.@Nullable Left before,
      KeptStages kept,
      long kvTokens,
      int width) {
    this.stage = stage;
    this.kept = kept;
    this.kvTokens = kvTokens;
    this.width = width;
    sessions = new RingSessions(stage, 0, width, null, kept, before);
    survey = new KeptSurvey(ring.sizes());
    kept(0, sessions.reports());
  }

  LayerRange layers() {
    return stage.layers();
  }

  int maxRows() {
    return stage.maxRows();
  }

  /**
   * Does it while other stages are not there yet, so that no other thread drives this; on the
   * thread of the stage host.
   */
  void inSetUp(Runnable work) {
    if (sessions.isSettingUp()) {
      work.run();
    }
  }

  /** What is to be done on the thread that drives this goes there. */
  void drivenBy(Executor thread) {
    driver = thread;
  }

  // Sessions.

  /** What a stage of the ring has kept; any thread. */
  void kept(int place, List<KeptSession.Report> reports) {
    survey.add(place, reports, kept.now());
  }

  /**
   * All stages are there.
   *
   * @return whether any has kept something, and has to know
   */
  boolean whole() {
    sessions.whole();
    survey.whole(kept.now());
    return !survey.isEmpty();
  }

  RingSession open(long session, int epoch, int capacity) {
    return sessions.open(session, epoch, capacity);
  }

  /** Opens one with what all stages still have of it; null if that is nothing. */
  @Nullable RingSession resume(long session, int epoch, int capacity, Caller caller, int known) {
    Replay replay = survey.take(caller, capacity, known, kept.now());
    if (replay.length() == 0) {
      return null;
    }
    try {
      RingSession goesOn = sessions.resume(session, epoch, capacity, caller, replay);
      LOG.log(Level.FINE, "a session of {0} goes on: {1}", new Object[] {caller.peer(), replay});
      return goesOn;
    } catch (E2llmException e) {
      LOG.log(Level.FINE, "a session is computed from its tokens", e);
      return null;
    }
  }

  void close(long session) {
    sessions.close(session);
  }

  /** It is over in this ring, and may go on in the next one. */
  void leave(long session) {
    sessions.leave(session);
  }

  /** Whether stages are still to compute again what the session held in an earlier ring. */
  boolean replays(long session) {
    RingSession open = sessions.get(session);
    return open != null && open.replay().length() > 0 && open.replay().feedsFrom() == 0;
  }

  // Batches.

  /**
   * Whether {@code rows} more find room only if what nobody has come for is freed, on all stages;
   * here it is then.
   */
  boolean makesRoom(int rows) {
    if (survey.isEmpty()) {
      return false;
    }
    long waiting = survey.positions(kept.now());
    boolean full = waiting > 0 && waiting + sessions.positions() + rows > kvTokens;
    if (full) {
      survey.clear();
      sessions.forget();
    }
    return full;
  }

  boolean replays(Batch batch) {
    return sessions.replays(batch.slices());
  }

  BatchRows rows(Batch batch) {
    return sessions.rows(batch.slices());
  }

  /** Computes what of a batch is to be computed here. */
  StageOutput compute(Batch batch, BatchRows rows) {
    int[] tokens = batch.tokens();
    if (tokens == null) {
      throw new InvalidRequestException("a first stage takes token ids");
    }
    if (rows.computed() == 0) {
      return new StageOutput(NOTHING, 0, width);
    }
    Batch own = rows.isAll() ? batch : Batch.ofTokens(rows.own(), rows.own(tokens));
    return stage.forward(own).toCompletableFuture().join();
  }

  // Its end.

  /** Whether sessions of an earlier ring wait here. Any thread. */
  boolean keeps() {
    return sessions.keeps();
  }

  /** As {@link #leave}, on the thread that drives this; any thread. */
  void leaveSoon() {
    driver.execute(this::leave);
  }

  /** Frees what nobody has come for; to be called a few times a second, from any thread. */
  void tick() {
    if (sessions.keeps()) {
      driver.execute(sessions::expire);
    }
  }

  /** Nothing is computed here any more; the next ring may go on with what there is. */
  void leave() {
    if (!left.isDone()) {
      kept.add(sessions.leaveAll());
      left.complete(null);
    }
  }

  /** Completes when the stage is nothing of the ring any more. */
  CompletableFuture<Void> left() {
    return left;
  }
}
