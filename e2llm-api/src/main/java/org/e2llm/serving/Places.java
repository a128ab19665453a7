package org.e2llm.serving;

import org.e2llm.plan.ServingPolicy;
import org.e2llm.serving.Router.Route;
import org.jspecify.annotations.Nullable;

/**
 * Memory and places among those that decode, of every replica: who gets them, and who waits for
 * them. A session has its beginning at both ends, or nothing. What the oldest waits for is not
 * given to younger ones.
 */
final class Places {
  /** One of so many places is kept free for those that come in time, and one at least. */
  private static final int PLACES_KEPT = 10;

  private final boolean lateBinding;

  /** Of the SLO in view. */
  private final double ttft;

  private final ReplicaEstimates estimates;
  private final Router router;
  private final ReplicaLoads loads;
  private final Commitments commitments;
  private final Admission[] admissions;
  private final Together[] together;

  /** The head of a queue that found no memory: what it waits for is not given to younger ones. */
  private final @Nullable DispatchedSession[] blocked;

  Places(
      ServingPolicy policy,
      ReplicaEstimates estimates,
      Router router,
      ReplicaLoads loads,
      Commitments commitments,
      Admission[] admissions,
      Together[] together) {
    this.lateBinding = policy.lateBinding();
    this.ttft = policy.slo().ttftSeconds();
    this.estimates = estimates;
    this.router = router;
    this.loads = loads;
    this.commitments = commitments;
    this.admissions = admissions;
    this.together = together;
    this.blocked = new DispatchedSession[admissions.length];
  }

  Admission admission(int replica) {
    return admissions[replica];
  }

  /** Who waits for memory there, by replica; not to be changed. */
  @Nullable DispatchedSession[] blocked() {
    return blocked;
  }

  /** From now on it is this one that waits for memory of the replica, or nobody. */
  void block(int replica, @Nullable DispatchedSession session) {
    blocked[replica] = session;
  }

  /**
   * Claims memory at both ends, or nothing.
   *
   * @param leavesOne only if another one like it could join after it, or soon enough
   */
  boolean take(DispatchedSession session, boolean leavesOne, double now) {
    int p = session.p();
    boolean inPlace = session.d() == p;
    if (!mayTake(session, p)
        || !admissions[p].hasRoom(inPlace ? need(session) : session.promptNeed())) {
      return false;
    }
    if (!inPlace && (lateBinding || !hasRoom(session, session.d(), false))) {
      rebind(session, false, 0, now);
    }
    int d = session.d();
    if (!together[d].hasPlace(session, loads.meanOutput())
        || (leavesOne && !leavesPlace(session) && !isBackInTime(d))) {
      return false;
    }
    if (d != p) {
      if (!mayTake(session, d) || !admissions[d].hasRoom(need(session))) {
        return false;
      }
      admissions[d].claim(session.id, need(session));
    }
    admissions[p].claim(session.id, d == p ? need(session) : session.promptNeed());
    together[d].add(session);
    return true;
  }

  /**
   * Where it decodes. As long as few answers were seen a session is taken to need all it may; but
   * those that had begun ran together elsewhere, and are to do so again.
   */
  Need need(DispatchedSession session) {
    boolean known = loads.knowsOutput() || session.hadBegun;
    return session.need(known ? loads.likelyOutput(session.maxTokens) : session.maxTokens);
  }

  /** Whether some more like it could decode beside it; so it is where nobody else does. */
  private boolean leavesPlace(DispatchedSession session) {
    int d = session.d();
    int each = need(session).likely();
    int places = Math.max(1, estimates.kvTokens(d) / each / PLACES_KEPT);
    return together[d].isEmpty()
        || (together[d].hasPlaces(1 + places, session, loads.meanOutput())
            && (long) (1 + places) * each <= admissions[d].availableTokens());
  }

  /**
   * Whether who takes a place gives it back before whoever comes next is late. Then none has to be
   * left free, which would cost a replica of few places much of what it can do.
   */
  private boolean isBackInTime(int replica) {
    int with = loads.decoding(replica) + 1;
    double output = loads.meanOutput();
    double cached = with * (loads.meanPrompt(replica) + output / 2);
    return output * estimates.stepSeconds(replica, with, cached) <= ttft;
  }

  /** Whether nobody older waits for memory of the replica. */
  private boolean mayTake(DispatchedSession session, int replica) {
    for (DispatchedSession other : blocked) {
      if (other != null && other != session && other.precedes(session) && other.on(replica)) {
        return false;
      }
    }
    return true;
  }

  /** Chooses the DECODE replica again; it stays if none has room. */
  private void rebind(DispatchedSession session, boolean prefilled, double sent, double now) {
    double due = session.hadBegun ? Double.POSITIVE_INFINITY : session.arrival + ttft - now;
    commitments.withdraw(session);
    int chosen =
        router.bind(
            new Router.Bound(
                session.route, session.prompt, session.maxTokens, prefilled, sent, due),
            r -> hasRoom(session, r, prefilled),
            loads);
    if (chosen >= 0) {
      session.route = new Route(session.p(), chosen);
    }
    commitments.make(session);
  }

  private boolean hasRoom(DispatchedSession session, int replica, boolean prefilled) {
    if (prefilled && replica == session.d()) {
      return true;
    }
    if (prefilled && replica == session.p()) {
      return mayTake(session, replica) && admissions[replica].canStay(session.id, need(session));
    }
    return mayTake(session, replica) && admissions[replica].hasRoom(need(session));
  }

  /**
   * A prompt is done. With late binding, where it decodes is chosen now.
   *
   * @param sent share of its KV cache that is on its DECODE replica already
   */
  void bindLate(DispatchedSession session, double sent, double now) {
    int before = session.d();
    if (!lateBinding || before == session.p()) {
      return;
    }
    rebind(session, true, sent, now);
    int d = session.d();
    if (d == before) {
      return;
    }
    together[before].leaves(session, false);
    together[d].add(session);
    admissions[before].release(session.id);
    if (d == session.p()) {
      admissions[d].release(session.id);
    }
    admissions[d].claim(session.id, need(session));
  }

  /** Its KV cache is where it decodes. */
  void handedOff(DispatchedSession session) {
    admissions[session.p()].release(session.id);
  }

  /** As {@link Admission#grow}, where it decodes: it holds so many tokens of its KV cache. */
  int grow(DispatchedSession session, int tokens) {
    return admissions[session.d()].grow(session.id, DispatchedSession.next(tokens));
  }

  /** It decodes from now on. */
  void decodes(DispatchedSession session) {
    together[session.d()].decodes(session);
  }

  /** One that has begun gives up its place; its memory is another matter. */
  void leave(DispatchedSession session, boolean decoded) {
    together[session.d()].leaves(session, decoded);
  }

  /** Gives back what it holds. */
  void release(DispatchedSession session) {
    admissions[session.p()].release(session.id);
    admissions[session.d()].release(session.id);
  }
}
