package org.e2llm.serving;

import java.util.List;
import org.e2llm.serving.Router.Route;
import org.jspecify.annotations.Nullable;

/**
 * Whom a replica takes over from another, when nobody waits there who can be in time: the shortest
 * prompt that is late where it waits and would be in time here.
 */
final class TakeOver {
  private final ReplicaEstimates estimates;
  private final ReplicaLoads loads;
  private final List<WaitingLine> lines;

  TakeOver(ReplicaEstimates estimates, ReplicaLoads loads, List<WaitingLine> lines) {
    this.estimates = estimates;
    this.loads = loads;
    this.lines = lines;
  }

  /**
   * Whom, as lines last looked, or null.
   *
   * @param blocked heads of lines, which stay: somebody waits for their turn
   */
  @Nullable DispatchedSession choose(
      int replica, double now, @Nullable DispatchedSession[] blocked) {
    WaitingLine line = lines.get(replica);
    double owed = loads.prefillSeconds(replica);
    int decoding = loads.decoding(replica);
    DispatchedSession best = null;
    for (int r = 0; r < lines.size(); r++) {
      if (r == replica || estimates.role(r) != estimates.role(replica)) {
        continue;
      }
      for (DispatchedSession session : lines.get(r).hopeful()) {
        if (session.late
            && session != blocked[r]
            && (best == null || session.prompt < best.prompt)
            && isPossible(route(session, replica), session)
            && line.wouldBeInTime(session, now, owed, decoding)) {
          best = session;
        }
      }
    }
    return best;
  }

  /** Where it goes then: its answer stays where its prompt is, or where it was to be. */
  static Route route(DispatchedSession session, int replica) {
    return new Route(replica, session.d() == session.p() ? replica : session.d());
  }

  private boolean isPossible(Route route, DispatchedSession session) {
    int p = route.prefill();
    int d = route.decode();
    return p == d
        ? session.most() <= estimates.kvTokens(p)
        : session.prompt <= estimates.kvTokens(p)
            && estimates.handoffSeconds(p, d, session.prompt) < Double.POSITIVE_INFINITY;
  }
}
