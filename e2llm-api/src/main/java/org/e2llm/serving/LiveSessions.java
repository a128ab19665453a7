package org.e2llm.serving;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.LongSupplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.DeadlineExceededException;
import org.e2llm.E2llmException;
import org.e2llm.FinishReason;
import org.e2llm.GenerationResult;
import org.e2llm.StageFailedException;
import org.e2llm.StageLostException;
import org.e2llm.pipeline.Replica;
import org.e2llm.pipeline.ReplicaSession;
import org.jspecify.annotations.Nullable;

/**
 * The generations that run on a replica and the KV caches that conversations keep between turns:
 * how each begins and ends, and what it gives back. Whoever waits for an end is told later, by
 * {@link #tell}, when the memory is counted that it freed.
 *
 * <p>Belongs to the serving thread.
 */
final class LiveSessions {
  private static final Logger LOG = Logger.getLogger(LiveSessions.class.getName());

  private final Replica replica;
  private final BatchScheduler scheduler;
  private final Inbox inbox;
  private final int contextLength;
  private final LongSupplier clock;
  private final Map<Long, GenerationRun> runs = new LinkedHashMap<>();
  private final Map<Long, KvHold> holds = new HashMap<>();
  private final List<Runnable> endings = new ArrayList<>();

  /** Runs whose KV cache goes elsewhere: mostly none. */
  private int prompts;

  LiveSessions(
      Replica replica,
      BatchScheduler scheduler,
      Inbox inbox,
      int contextLength,
      LongSupplier clock) {
    this.replica = replica;
    this.scheduler = scheduler;
    this.inbox = inbox;
    this.contextLength = contextLength;
    this.clock = clock;
  }

  /**
   * A generation begins.
   *
   * @param yields whether its prompt lets those of others go first
   */
  void start(GenerationRun run, boolean yields) {
    run.yields = yields;
    Submission submission = run.submission;
    int[] prompt = submission.prompt();
    KvHold hold = submission.hold();
    ReplicaSession session = hold == null ? null : hold.session;
    int cached = 0;
    try {
      if (session == null) {
        // A conversation grows: its next turns decide how far.
        int capacity = hold == null ? run.mostTokens() : contextLength;
        session =
            replica.open(run.id, ServingLoop.EPOCH, capacity, submission.caller(), prompt.length);
        cached = session.length();
      } else if (hold != null) {
        cached = hold.reusable(prompt);
        session.truncate(cached);
        hold.drop();
        holds.remove(hold.id);
      }
      if (hold != null) {
        hold.starts(cached);
      }
      run.start(session, cached, clock.getAsLong());
      if (run.target == null) {
        session.begin(prompt, submission.sampling(), submission.caller());
      } else {
        run.target.opened(session);
      }
      run.filling = fill(run, session, cached);
    } catch (Throwable e) { // a stage failed: that ends this generation, not the others
      fail(run, stageFailed(e));
      return;
    }
    runs.put(run.id, run);
    prompts += run.target == null ? 0 : 1;
    if (!run.filling) {
      schedule(run, cached);
    }
  }

  /** From {@code position} on it computes by itself. */
  private void schedule(GenerationRun run, int position) {
    int known = run.submission.prompt().length;
    scheduler.add(run.id, position, known, run.mostTokens() - 1, run.yields);
    inbox.scheduled(run.id, scheduler);
    KvHold hold = run.submission.hold();
    if (hold != null) {
      allow(hold);
    }
  }

  // What comes from another replica, or goes to one.

  /** Whether the prompt's KV cache comes from elsewhere. */
  private boolean fill(GenerationRun run, ReplicaSession session, int cached) {
    KvSource source = run.source;
    if (source == null) {
      return false;
    }
    run.filling = true; // so that it is ended, too, if it fails to begin
    return source.begin(
        session,
        run.submission.prompt(),
        cached,
        new KvSource.Listener() {
          @Override
          public void reached(int position) {
            inbox.command(() -> reachedNow(run, position));
          }

          @Override
          public void over() {
            inbox.command(() -> filled(run));
          }
        });
  }

  private void reachedNow(GenerationRun run, int position) {
    if (run.filling) {
      run.prefilled(position);
    }
  }

  /** What did not come is computed here. */
  private void filled(GenerationRun run) {
    if (!run.filling) {
      return;
    }
    int held = endFilling(run);
    ReplicaSession session = Objects.requireNonNull(run.session());
    try {
      if (held < run.submission.prompt().length - 1) {
        session.truncate(held);
      }
    } catch (RuntimeException e) { // a stage failed
      fail(run, stageFailed(e));
      return;
    }
    if (held > 0) {
      run.prefilled(held);
    }
    schedule(run, held);
  }

  private int endFilling(GenerationRun run) {
    run.filling = false;
    return Objects.requireNonNull(run.source).end();
  }

  /** The first stage has computed more of a session. */
  void advanced(long id) {
    GenerationRun run = prompts == 0 ? null : runs.get(id);
    if (run != null && run.target != null) {
      run.target.advanced();
    }
  }

  /** All of a prompt is computed whose KV cache goes elsewhere. */
  void computed(GenerationRun run) {
    scheduler.remove(run.id);
    if (run.target != null) {
      run.target.computed();
    }
  }

  /** As far as its caller has got; a fed position gives the token after it. */
  void allow(KvHold hold) {
    int received = hold.received;
    if (received != Integer.MAX_VALUE) {
      scheduler.allow(hold.id, received + GenerationService.MOST_AHEAD - 2);
    }
  }

  /** Null if it does not run, or no longer. */
  @Nullable GenerationRun get(long id) {
    return runs.get(id);
  }

  // The end of a generation: memory first, then whoever waits.

  void end(GenerationRun run, FinishReason reason) {
    GenerationResult result = run.result(reason, clock.getAsLong());
    if (reason != FinishReason.CANCELLED) {
      inbox.answered(run.output());
    }
    remove(run, true);
    endings.add(() -> complete(run, result, null));
  }

  void fail(GenerationRun run, E2llmException error) {
    remove(run, false);
    endings.add(() -> complete(run, null, error.withTextSoFar(run.text())));
  }

  /** The replica is lost, and with it all that runs on it. */
  void failAll(StageLostException why) {
    for (GenerationRun run : List.copyOf(runs.values())) {
      fail(run, stageFailed(why));
    }
  }

  static StageFailedException stageFailed(Throwable cause) {
    if (cause instanceof StageLostException lost) {
      return new StageLostException(String.valueOf(lost.getMessage()));
    }
    return new StageFailedException("a stage failed: " + cause, cause);
  }

  /** Its deadline passed before it began. */
  void expire(GenerationRun run) {
    E2llmException tooLate =
        new DeadlineExceededException(
            "the request waited for its turn longer than its deadline of "
                + run.submission.deadline()
                + " and was not started");
    endings.add(() -> complete(run, null, tooLate));
  }

  /** Frees what the run holds, or leaves it to its conversation if it ended soundly. */
  private void remove(GenerationRun run, boolean sound) {
    if (runs.remove(run.id, run) && run.target != null) {
      prompts--;
    }
    scheduler.remove(run.id);
    // Of what is on its way nobody can say which positions all stages hold: nothing is kept.
    boolean whole = sound && !run.filling;
    if (run.filling) {
      endFilling(run);
    }
    if (run.target != null) {
      run.target.ended();
    }
    KvHold hold = run.submission.hold();
    ReplicaSession session = run.session();
    boolean keep = whole && hold != null && !hold.released;
    if (session != null) {
      if (keep && hold != null) {
        hold.keep(session, run.tokens().head(session.length()));
        holds.put(hold.id, hold);
      } else {
        closeQuietly(session);
      }
    }
    // A turn that ended before it started may have less than is held from turns before.
    keep = keep && hold != null && hold.length() > 0 && hold.length() <= inbox.held(run.id);
    if (!keep && hold != null) {
      free(hold);
    }
    if (keep && hold != null) {
      inbox.idle(run.id, hold.length());
    } else {
      inbox.release(run.id);
    }
    inbox.goOn(scheduler);
  }

  /** To the one that waits, at once: for a generation that holds nothing. */
  static void complete(
      GenerationRun run, @Nullable GenerationResult result, @Nullable E2llmException error) {
    Submission.EndListener listener = run.submission.onEnd();
    if (listener != null) {
      listener.ended(result, error);
    }
    run.handle.finish(result, error);
  }

  // What conversations keep.

  /** The conversation is over; a turn that still runs keeps nothing when it ends. */
  void release(KvHold hold) {
    hold.released = true;
    if (!runs.containsKey(hold.id)) {
      free(hold);
      inbox.release(hold.id);
    }
  }

  /** Frees an idle conversation's KV cache; its next turn computes it again. */
  void evict(long id) {
    KvHold hold = holds.get(id);
    if (hold != null) {
      free(hold);
    }
  }

  private void free(KvHold hold) {
    ReplicaSession session = hold.session;
    if (session != null) {
      closeQuietly(session);
    }
    hold.drop();
    holds.remove(hold.id);
  }

  // All of them.

  long allocatedBytes() {
    long bytes = 0;
    for (GenerationRun run : runs.values()) {
      ReplicaSession session = run.session();
      bytes += session == null ? 0 : session.allocatedBytes();
    }
    for (KvHold hold : holds.values()) {
      bytes += hold.session == null ? 0 : hold.session.allocatedBytes();
    }
    return bytes;
  }

  /** Tells whoever waits for a generation that has ended since the last call. */
  void tell() {
    endings.forEach(Runnable::run);
    endings.clear();
  }

  /**
   * Ends everything: cancelled, or failed.
   *
   * @param waiting generations that have not started
   * @param failure of the serving thread, or null
   */
  void endAll(List<GenerationRun> waiting, @Nullable Throwable failure) {
    List<GenerationRun> all = new ArrayList<>(waiting);
    all.addAll(runs.values());
    for (GenerationRun run : all) {
      GenerationResult result = run.result(FinishReason.CANCELLED, clock.getAsLong());
      remove(run, false);
      endings.add(
          failure == null
              ? () -> complete(run, result, null)
              : () -> complete(run, null, stageFailed(failure).withTextSoFar(run.text())));
    }
    List.copyOf(holds.values()).forEach(this::release);
  }

  static void closeQuietly(AutoCloseable resource) {
    try {
      resource.close();
    } catch (Exception | Error e) {
      LOG.log(Level.WARNING, "closing failed", e);
    }
  }
}
