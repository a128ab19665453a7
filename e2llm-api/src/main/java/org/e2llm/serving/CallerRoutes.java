package org.e2llm.serving;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where the sessions of a caller go: asks the {@link SessionRouter} of the plan in force, and tells
 * it where the others are. Belongs to the thread of {@link CallerSessions}, and sees its sessions.
 */
final class CallerRoutes {
  private final String self;
  private final Map<Long, GenerationRun> runs;
  private final Recovery recovery;
  private final WaitingSessions waiting;
  private @Nullable SessionRouter router;

  /**
   * Without a router.
   *
   * @param self this device
   */
  CallerRoutes(
      String self, Map<Long, GenerationRun> runs, Recovery recovery, WaitingSessions waiting) {
    this.self = self;
    this.runs = runs;
    this.recovery = recovery;
    this.waiting = waiting;
  }

  /** Another plan is in force; null if it leaves no choice. */
  void router(@Nullable SessionRouter choice) {
    router = choice;
  }

  /**
   * The one host at which a session may begin: where the conversation's KV cache is, or where the
   * app's own code is called. Null for any.
   */
  @Nullable String boundTo(Submission submission) {
    KvHold hold = submission.hold();
    if (hold != null && hold.host != null) {
      return hold.host;
    }
    return submission.sampling().processor() != null ? self : null;
  }

  /** The host of a session that has none; null where that is not ours to say. */
  @Nullable String host(long id) {
    GenerationRun run = runs.get(id);
    return router == null || run == null ? null : router.host(request(run, null), placed(id));
  }

  /** The host that may begin a session which waits at its own; null if there is none. */
  @Nullable String betterHost(long id) {
    GenerationRun run = runs.get(id);
    String host = recovery.host(id);
    return router == null || run == null || host == null
        ? null
        : router.betterHost(host, request(run, host), placed(id));
  }

  /** A session goes to a host now: what it asks for there, and who computes its prompt. */
  void started(GenerationRun run, String host) {
    SessionRouter.Request request = request(run, host);
    run.request = request;
    run.promptHost = router == null ? null : router.promptHost(host, request, placed(run.id));
  }

  /** What the session's host, if it has one, still has to do. */
  private static SessionRouter.Request request(GenerationRun run, @Nullable String host) {
    int known = run.tokens().size();
    KvHold hold = run.submission.hold();
    int held =
        hold == null || host == null || !host.equals(hold.host)
            ? 0
            : Math.min(hold.length(), known - 1);
    return new SessionRouter.Request(known - held, held, run.mostTokens() - known);
  }

  /** The others. */
  private List<SessionRouter.Placed> placed(long id) {
    List<SessionRouter.Placed> placed = new ArrayList<>();
    for (GenerationRun run : runs.values()) {
      String host = recovery.host(run.id);
      SessionRouter.Request request = run.request;
      if (run.id != id && host != null && request != null) {
        placed.add(new SessionRouter.Placed(host, run.promptHost, request, phase(run)));
      }
    }
    return placed;
  }

  private SessionRouter.Phase phase(GenerationRun run) {
    if (run.tokens().size() > run.startedWith) {
      return SessionRouter.Phase.DECODES;
    }
    return waiting.has(run.id) ? SessionRouter.Phase.WAITS : SessionRouter.Phase.PREFILLS;
  }
}
