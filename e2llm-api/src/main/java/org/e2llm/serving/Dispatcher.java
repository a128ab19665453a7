package org.e2llm.serving;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.e2llm.CapacityException;
import org.e2llm.plan.ServingPolicy;
import org.e2llm.plan.Slo;
import org.e2llm.serving.DispatchedSession.State;
import org.jspecify.annotations.Nullable;

/**
 * Decides when a request starts, and keeps account of where each one is: it asks the {@link Router}
 * for replicas, the {@link Admission} of each for memory, and tells both what happens.
 *
 * <p>A request waits at its PREFILL replica until that asks for another prompt, and starts only
 * when both its replicas have room for what it will likely need. Who decodes asks for more as it
 * grows, and pauses where there is none; {@link Admission} sees to it that the oldest always has
 * it, so nothing can lock up. Where several wait to begin, the oldest has the next memory that
 * becomes free.
 *
 * <p>The order at a replica is that of its {@link WaitingLine}. With an SLO in view, a replica may
 * {@link TakeOver} who would be late elsewhere and is in time here, one at which nobody waits also
 * whom the {@link Router} would send there now of those that are late in any case; and how many
 * decode {@link Together} is limited.
 *
 * <p>The simulator has one for all replicas of a plan, a live host one of its own replica alone.
 *
 * <p>Session life: {@link #arrive}, {@link #start}, {@link #fed} per chunk, {@link #prefilled},
 * {@link #handedOff} if it moves, {@link #finished}; {@link #lose} at any time. A pure state
 * machine; not thread-safe.
 */
public final class Dispatcher {
  /**
   * A request may begin.
   *
   * @param session its id
   * @param route where; both replicas have given it memory to begin with
   * @param yields whether it is late, and its prompt lets those of others go first
   */
  public record Start(long session, Router.Route route, boolean yields) {
    /** One that goes before all that come later. */
    public Start(long session, Router.Route route) {
      this(session, route, false);
    }
  }

  private final ServingPolicy policy;
  private final ReplicaEstimates estimates;
  private final Router router;
  private final ReplicaLoads loads;
  private final Commitments commitments;
  private final Places places;
  private final List<WaitingLine> lines = new ArrayList<>();
  private final TakeOver takeOver;

  private boolean gaveWay;

  /** Seconds of prompts that have begun, are not done, and let others go first. */
  private final double[] yielding;

  /** How often something has changed that the router looks at. */
  private long changes;

  /** By replica, how often when it was last asked who should wait there rather. */
  private final long[] asked;

  private final Map<Long, DispatchedSession> sessions = new HashMap<>();
  private final Map<Long, DispatchedSession> parked = new LinkedHashMap<>();
  private long lastAge;

  /** When a prompt was last asked for: it is about now for what happens without being timed. */
  private double clock;

  /** Of all replicas of a plan. */
  public Dispatcher(ServingPolicy policy, ReplicaEstimates estimates) {
    this(policy, estimates, Router.of(policy, estimates), admissions(estimates));
  }

  /**
   * Of the only replica, which holds all that it takes in: what a live host drives.
   *
   * @param admission of it, where others may claim memory too
   */
  Dispatcher(Slo slo, ReplicaEstimates estimates, Admission admission) {
    this(ServingPolicy.ROLES.withSlo(slo), estimates, new OnlyRoute(), new Admission[] {admission});
  }

  private Dispatcher(
      ServingPolicy policy, ReplicaEstimates estimates, Router router, Admission[] admissions) {
    this.policy = policy;
    this.estimates = estimates;
    this.router = router;
    int n = estimates.size();
    loads = new ReplicaLoads(estimates);
    commitments = new Commitments(estimates, loads);
    Together[] together = new Together[n];
    for (int r = 0; r < n; r++) {
      lines.add(new WaitingLine(r, policy.slo(), estimates));
      together[r] = new Together(r, policy.slo(), estimates);
    }
    places = new Places(policy, estimates, router, loads, commitments, admissions, together);
    takeOver = new TakeOver(estimates, loads, lines);
    yielding = new double[n];
    asked = new long[n];
  }

  private static Admission[] admissions(ReplicaEstimates estimates) {
    Admission[] admissions = new Admission[estimates.size()];
    for (int r = 0; r < admissions.length; r++) {
      int tokens = estimates.kvTokens(r);
      admissions[r] = new Admission(tokens, 1, tokens);
    }
    return admissions;
  }

  // Before the start.

  /**
   * Takes a request in.
   *
   * @param session an id that is not here
   * @param promptTokens all tokens to compute before the next one can be sampled
   * @param maxTokens the most tokens it may generate
   * @param now seconds since any fixed moment
   * @return the replica it waits at, or -1 while none that could hold it is up
   * @throws CapacityException if no replica can ever hold it
   */
  public int arrive(long session, int promptTokens, int maxTokens, double now) {
    return arrive(new DispatchedSession(session, nextAge(), now, promptTokens, maxTokens, false));
  }

  /**
   * Takes a request back in that lost its place: it goes before those that have not begun.
   *
   * @param age what {@link #lose} gave
   */
  public int comeBack(long session, long age, int promptTokens, int maxTokens) {
    return arrive(new DispatchedSession(session, age, 0, promptTokens, maxTokens, true));
  }

  /** What one that comes will likely hold where it decodes. */
  int likelyTokens(DispatchedSession session) {
    return places.need(session).likely();
  }

  /** The age of one that comes now. */
  long nextAge() {
    return ++lastAge;
  }

  /** As {@link #arrive(long, int, int, double)}, of one that may be more than a plain request. */
  int arrive(DispatchedSession session) {
    if (sessions.putIfAbsent(session.id, session) != null) {
      throw new IllegalStateException("session " + session.id + " is here already");
    }
    return enqueue(session);
  }

  private int enqueue(DispatchedSession session) {
    Router.Route route = route(session);
    if (route == null) {
      requirePossible(session);
      session.state = State.PARKED;
      parked.put(session.id, session);
      return -1;
    }
    waitAt(session, route);
    int p = route.prefill();
    if (lines.get(p).head() == session) {
      places.block(p, null); // it came before the one that found no memory, and was not asked yet
    }
    return p;
  }

  /** Of one that waits nowhere. */
  private Router.@Nullable Route route(DispatchedSession session) {
    if (canBeLate()) {
      seeWhoGivesWay(session.prompt);
    }
    return router.route(session.prompt, session.maxTokens, loads);
  }

  private boolean canBeLate() {
    return policy.slo().ttftSeconds() < Double.POSITIVE_INFINITY;
  }

  private void seeWhoGivesWay(int prompt) {
    for (int r = 0; r < lines.size(); r++) {
      loads.late(r, lines.get(r).secondsGivingWay(prompt) + yielding[r]);
    }
    lines.forEach(line -> line.goingBefore(prompt, loads::notLate));
  }

  private void waitAt(DispatchedSession session, Router.Route route) {
    session.route = route;
    session.state = State.WAITING;
    int p = route.prefill();
    int d = route.decode();
    session.promptSeconds = estimates.prefillSeconds(p, session.prompt, 0);
    session.handoffSeconds =
        p == d
            ? 0
            : EarliestCompletion.HANDOFF_TAIL * estimates.handoffSeconds(p, d, session.prompt);
    promise(session);
    changes++;
    lines.get(p).add(session);
  }

  private void promise(DispatchedSession session) {
    loads.prefill(session.p(), session.promptSeconds, session.prompt);
    commitments.make(session);
    loads.waits(session, 1);
  }

  private void requirePossible(DispatchedSession session) {
    int largest = 0;
    for (int r = 0; r < estimates.size(); r++) {
      largest = Math.max(largest, estimates.kvTokens(r));
    }
    if (session.most() > largest) {
      sessions.remove(session.id);
      throw new CapacityException(
          session.most()
              + " tokens (prompt and output) fit on no replica of the plan; the largest caches "
              + largest
              + ": shorten the prompt, lower maxTokens, or plan with more memory");
    }
  }

  /** Requests that wait at a replica. */
  public int waiting(int replica) {
    return lines.get(replica).size();
  }

  /** Requests that wait for a replica to come back. */
  public int parked() {
    return parked.size();
  }

  /** Whether the next request of a replica waits for memory. */
  public boolean isBlocked(int replica) {
    return places.blocked()[replica] != null;
  }

  /**
   * The next request that begins at a replica; ask when it can take another prompt.
   *
   * @param now seconds since the same moment as arrivals; does not go back
   * @return null if none waits there, or the next one has to wait for memory
   */
  public @Nullable Start start(int replica, double now) {
    return start(replica, now, false);
  }

  /**
   * As {@link #start(int, double)}.
   *
   * @param inTimeOnly nobody who lets others go first: ask so when such prompts fill the next batch
   *     already
   */
  public @Nullable Start start(int replica, double now, boolean inTimeOnly) {
    clock = now;
    if (!loads.up(replica) || (inTimeOnly && !canBeLate())) {
      return null;
    }
    for (int r = 0; r < lines.size(); r++) {
      if (r == replica || places.blocked()[r] != null) {
        look(r, now); // who is late claims no memory before others
      }
    }
    if (lines.get(replica).hasTime()) {
      takeOver(replica, now);
    }
    DispatchedSession head = lines.get(replica).head();
    DispatchedSession before = places.blocked()[replica];
    if (before != null && before != head) {
      places.block(replica, null); // somebody goes before the one that found no memory
      gaveWay = true;
    }
    if (head == null || (inTimeOnly && head.late)) {
      return null;
    }
    loads.waits(head, -1);
    if (!places.take(head, head.late && lines.get(replica).isExpecting(now), now)) {
      loads.waits(head, 1); // maybe for another replica than before
      places.block(replica, head);
      return null;
    }
    head.yields = head.late;
    yielding[replica] += head.yields ? head.promptSeconds : 0;
    lines.get(replica).begin(head, now);
    places.block(replica, null);
    head.state = State.PREFILLING;
    changes++;
    return new Start(head.id, head.route, head.yields);
  }

  /**
   * Whether a request that found no memory has lost its turn since this was asked last: younger
   * ones no longer wait for it, so that all replicas that are blocked are to be asked again.
   */
  public boolean gaveWay() {
    boolean gave = gaveWay;
    gaveWay = false;
    return gave;
  }

  private void takeOver(int replica, double now) {
    for (int r = 0; r < lines.size(); r++) {
      look(r, now);
    }
    DispatchedSession other = takeOver.choose(replica, now, places.blocked());
    if (other != null) {
      leave(other);
      waitAt(other, TakeOver.route(other, replica));
      look(replica, now);
    } else if (lines.get(replica).size() == 0) {
      takeHopeless(replica, now);
    }
  }

  /**
   * Nobody waits here: takes over one that cannot be in time any more where it waits, and let
   * others go first, if the router would have it wait here now.
   */
  private void takeHopeless(int replica, double now) {
    if (asked[replica] == changes) {
      return;
    }
    asked[replica] = changes;
    for (int r = 0; r < lines.size(); r++) {
      WaitingLine line = lines.get(r);
      DispatchedSession hopeless = line.firstHopeless();
      if (hopeless == null || hopeless == places.blocked()[r]) {
        continue;
      }
      leave(hopeless);
      Router.Route route = route(hopeless);
      if (route != null && route.prefill() == replica) {
        waitAt(hopeless, route);
        look(replica, now);
        return;
      }
      promise(hopeless);
      line.takeBack(hopeless);
    }
  }

  private void look(int replica, double now) {
    double owed = Math.max(0, loads.prefillSeconds(replica) - yielding[replica]);
    lines.get(replica).look(now, owed, loads.decoding(replica));
  }

  /** Out of the line, and of what is promised. */
  private void leave(DispatchedSession session) {
    dequeue(session);
    commitments.withdraw(session);
  }

  // After the start.

  /** A chunk of a prompt entered the first stage. */
  public void fed(long session, int tokens) {
    work(get(session), tokens);
  }

  /** A host may find more, or less, in a KV cache than it reckoned with. */
  private void work(DispatchedSession session, int tokens) {
    int owed = Math.min(tokens, session.prompt - session.fed);
    session.fed += owed;
    worked(session, owed);
  }

  /** Tokens of a prompt are owed no more. */
  private void worked(DispatchedSession session, int tokens) {
    double seconds = session.promptSeconds * tokens / session.prompt;
    loads.prefill(session.p(), -seconds, -tokens);
    if (session.yields) {
      yielding[session.p()] = Math.max(0, yielding[session.p()] - seconds);
    }
  }

  /**
   * A prompt is done and its first token sampled.
   *
   * @param sent share of its KV cache that is on its DECODE replica already
   * @return the replica it decodes on from now on, which has given it memory
   */
  public int prefilled(long session, double sent) {
    DispatchedSession done = get(session);
    work(done, done.prompt - done.fed);
    places.bindLate(done, sent, clock);
    if (done.d() == done.p()) {
      decoding(done);
    } else {
      done.state = State.MOVING;
    }
    return done.d();
  }

  /** The KV cache is complete on the DECODE replica. */
  public void handedOff(long session) {
    DispatchedSession moved = get(session);
    places.handedOff(moved);
    commitments.handedOff(moved);
    decoding(moved);
  }

  private void decoding(DispatchedSession session) {
    session.state = State.DECODING;
    places.decodes(session);
    commitments.decoding(session);
  }

  /**
   * A session is scheduled where it decodes: it may feed as far as its memory goes. A batch in
   * which it is says when it needs more ({@link #landed}).
   */
  public void scheduled(long session, BatchScheduler scheduler) {
    scheduler.memory(session, places.admission(get(session).d()).held(session) - 1);
  }

  /**
   * A batch left its replica. If memory ends for one of the sessions that decode in it, all of them
   * ask for more, so that this is seldom; who gets none pauses until it {@link #goOn goes on}.
   */
  public void landed(BatchScheduler.Decision batch, BatchScheduler scheduler) {
    boolean full = false;
    for (int i = 0; i < batch.decodeRows() && !full; i++) {
      full = batch.stands(i) && batch.isFull(i);
    }
    for (int i = 0; full && i < batch.decodeRows(); i++) {
      if (batch.stands(i)) {
        long session = batch.session(i);
        scheduler.memory(session, places.grow(get(session), batch.position(i)) - 1);
      }
    }
  }

  /**
   * Memory may have become free on a replica: those that pause for it go on as far as there is some
   * now, the oldest first.
   *
   * @return whether any does
   */
  public boolean goOn(int replica, BatchScheduler scheduler) {
    List<Long> grown = places.admission(replica).growShorts();
    grown.forEach(session -> scheduled(session, scheduler));
    return !grown.isEmpty();
  }

  /** An answer ended, wherever the session was. */
  public void finished(long session, int outputTokens) {
    answered(outputTokens);
    long unused = lose(session);
  }

  /** So long was an answer. */
  void answered(int outputTokens) {
    loads.answered(outputTokens);
  }

  boolean has(long session) {
    return sessions.containsKey(session);
  }

  /**
   * Forgets a session and gives back what it holds.
   *
   * @return its age, for {@link #comeBack}
   */
  public long lose(long session) {
    DispatchedSession lost = forget(session);
    places.release(lost);
    return lost.age;
  }

  /** Forgets a session; what it holds of memory stays as it is. */
  DispatchedSession forget(long session) {
    changes++;
    DispatchedSession lost = get(session);
    sessions.remove(session);
    if (lost.state == State.PARKED) {
      parked.remove(session);
      return lost;
    }
    if (lost.state != State.WAITING) {
      places.leave(lost, lost.state == State.DECODING);
    }
    dequeue(lost);
    if (lost.state == State.DECODING) {
      loads.decoding(lost.d(), -1);
    }
    commitments.withdraw(lost);
    return lost;
  }

  private void dequeue(DispatchedSession session) {
    if (session.state == State.WAITING) {
      lines.get(session.p()).remove(session);
      loads.waits(session, -1);
      if (places.blocked()[session.p()] == session) {
        places.block(session.p(), null);
      }
    }
    worked(session, session.prompt - session.fed);
  }

  private DispatchedSession get(long session) {
    DispatchedSession found = sessions.get(session);
    if (found == null) {
      throw new IllegalStateException("session " + session + " is not here");
    }
    return found;
  }

  // Replicas that go and come.

  /**
   * A replica is gone with all that it held: those that waited there wait elsewhere.
   *
   * @return the sessions that had begun there, oldest first; the driver loses each and takes it
   *     back in with the tokens known by then
   */
  public List<Long> down(int replica) {
    loads.up(replica, false);
    List<DispatchedSession> begun = new ArrayList<>();
    List<DispatchedSession> waiting = new ArrayList<>();
    for (DispatchedSession session : sessions.values()) {
      if (session.state != State.PARKED && session.on(replica)) {
        boolean gone = session.state != State.DECODING || session.d() == replica;
        if (session.state == State.WAITING) {
          waiting.add(session);
        } else if (gone) {
          begun.add(session);
        }
      }
    }
    waiting.sort(Comparator.comparingLong(session -> session.age));
    for (DispatchedSession session : waiting) {
      leave(session);
    }
    waiting.forEach(this::enqueue);
    List<Long> lost = new ArrayList<>();
    begun.sort(Comparator.comparingLong(session -> session.age));
    begun.forEach(session -> lost.add(session.id));
    return lost;
  }

  /**
   * A replica is back, empty.
   *
   * @return the replicas where requests that were parked wait now
   */
  public List<Integer> up(int replica) {
    loads.up(replica, true);
    List<DispatchedSession> again = new ArrayList<>(parked.values());
    parked.clear();
    List<Integer> at = new ArrayList<>();
    for (Iterator<DispatchedSession> i = again.iterator(); i.hasNext(); ) {
      int p = enqueue(i.next());
      if (p >= 0) {
        at.add(p);
      }
    }
    return at;
  }

  /** What prompts take at a replica is known better: those that wait there are reckoned again. */
  void reckonAgain(int replica) {
    for (DispatchedSession session : sessions.values()) {
      if (session.state == State.WAITING && session.p() == replica) {
        double more = -session.promptSeconds;
        session.promptSeconds = estimates.prefillSeconds(replica, session.prompt, 0);
        more += session.promptSeconds;
        loads.prefill(replica, more, 0);
        lines.get(replica).reckoned(more);
      }
    }
  }

  /**
   * When one that leaves a place free begins all the same, if nobody comes until then: to be asked
   * where nothing else happens; NaN if that is not known.
   */
  public double patienceEnds(int replica) {
    return lines.get(replica).patienceEnds();
  }

  /** What is under way and promised on every replica. */
  public ReplicaLoads loads() {
    return loads;
  }

  /** Tokens given to those on a replica, and how many it can cache. */
  public Admission admission(int replica) {
    return places.admission(replica);
  }
}
