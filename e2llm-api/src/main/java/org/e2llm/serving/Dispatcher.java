package org.e2llm.serving;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import org.e2llm.CapacityException;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.ServingPolicy;
import org.jspecify.annotations.Nullable;

/**
 * Decides when a request starts, and keeps account of where each one is: it asks the {@link Router}
 * for replicas, the {@link Admission} of each for memory, and tells both what happens.
 *
 * <p>A request waits at its PREFILL replica until that asks for another prompt, and starts only
 * when both its replicas have room for all it may come to need: nobody ever holds memory and waits
 * for more, so nothing can lock up. Where several wait for memory, the oldest has the next that
 * becomes free.
 *
 * <p>The order at a replica is first come, first served, with ageing: a prompt counts as come
 * {@link #OVERTAKING} times its length later than it did, measured in tokens that came to that
 * replica. So a short one may overtake a long one that has just come, and no long one waits for
 * more than a few times its own work.
 *
 * <p>Session life: {@link #arrive}, {@link #start}, {@link #fed} per chunk, {@link #prefilled},
 * {@link #handedOff} if it moves, {@link #finished}; {@link #lose} at any time. A pure state
 * machine; not thread-safe.
 */
public final class Dispatcher {
  /** How far a prompt is moved back for its length. */
  private static final int OVERTAKING = 4;

  /**
   * A request may begin.
   *
   * @param session its id
   * @param route where; memory for it is reserved on both replicas
   */
  public record Start(long session, Router.Route route) {}

  private enum State {
    PARKED,
    WAITING,
    PREFILLING,
    MOVING,
    DECODING
  }

  private static final class Session {
    final long id;
    final long age;
    final int prompt;
    final int maxTokens;
    final boolean hadBegun;
    State state = State.PARKED;
    Router.Route route = new Router.Route(-1, -1);
    long key;
    double promptSeconds;
    int fed;

    Session(long id, long age, int prompt, int maxTokens, boolean hadBegun) {
      this.id = id;
      this.age = age;
      this.prompt = prompt;
      this.maxTokens = maxTokens;
      this.hadBegun = hadBegun;
    }

    int p() {
      return route.prefill();
    }

    int d() {
      return route.decode();
    }

    /** What it may come to need where it decodes. */
    int most() {
      return prompt + maxTokens;
    }

    boolean on(int replica) {
      return p() == replica || d() == replica;
    }
  }

  private final ServingPolicy policy;
  private final ReplicaEstimates estimates;
  private final Router router;
  private final ReplicaLoads loads;
  private final Admission[] admissions;
  private final List<PriorityQueue<Session>> queues = new ArrayList<>();
  private final long[] tokensCome;

  /** The head of a queue that found no memory: what it waits for is not given to younger ones. */
  private final @Nullable Session[] blocked;

  private final Map<Long, Session> sessions = new HashMap<>();
  private final Map<Long, Session> parked = new LinkedHashMap<>();
  private long lastAge;

  public Dispatcher(ServingPolicy policy, ReplicaEstimates estimates) {
    this.policy = policy;
    this.estimates = estimates;
    this.router = Router.of(policy, estimates);
    int n = estimates.size();
    loads = new ReplicaLoads(estimates);
    admissions = new Admission[n];
    for (int r = 0; r < n; r++) {
      int tokens = estimates.kvTokens(r);
      admissions[r] = new Admission(tokens, 1, tokens, Integer.MAX_VALUE);
      queues.add(
          new PriorityQueue<>(
              Comparator.<Session>comparingLong(session -> session.key)
                  .thenComparingLong(session -> session.age)));
    }
    tokensCome = new long[n];
    blocked = new Session[n];
  }

  // Before the start.

  /**
   * Takes a request in.
   *
   * @param session an id that is not here
   * @param promptTokens all tokens to compute before the next one can be sampled
   * @param maxTokens the most tokens it may generate
   * @return the replica it waits at, or -1 while none that could hold it is up
   * @throws CapacityException if no replica can ever hold it
   */
  public int arrive(long session, int promptTokens, int maxTokens) {
    return arrive(new Session(session, ++lastAge, promptTokens, maxTokens, false));
  }

  /**
   * Takes a request back in that lost its place: it goes before those that have not begun.
   *
   * @param age what {@link #lose} gave
   */
  public int comeBack(long session, long age, int promptTokens, int maxTokens) {
    return arrive(new Session(session, age, promptTokens, maxTokens, true));
  }

  private int arrive(Session session) {
    if (sessions.putIfAbsent(session.id, session) != null) {
      throw new IllegalStateException("session " + session.id + " is here already");
    }
    return enqueue(session);
  }

  private int enqueue(Session session) {
    Router.Route route = router.route(session.prompt, session.maxTokens, loads);
    if (route == null) {
      requirePossible(session);
      session.state = State.PARKED;
      parked.put(session.id, session);
      return -1;
    }
    session.route = route;
    session.state = State.WAITING;
    int p = route.prefill();
    tokensCome[p] += session.prompt;
    session.key =
        session.hadBegun ? Long.MIN_VALUE : tokensCome[p] + (long) OVERTAKING * session.prompt;
    session.promptSeconds = estimates.prefillSeconds(p, session.prompt, 0);
    loads.prefill(p, session.promptSeconds, session.prompt);
    reserveDecode(session);
    queues.get(p).add(session);
    if (queues.get(p).peek() == session) {
      blocked[p] = null; // it came before the one that found no memory, and was not asked yet
    }
    return p;
  }

  private void requirePossible(Session session) {
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
    return queues.get(replica).size();
  }

  /** Requests that wait for a replica to come back. */
  public int parked() {
    return parked.size();
  }

  /** Whether the next request of a replica waits for memory. */
  public boolean isBlocked(int replica) {
    return blocked[replica] != null;
  }

  /**
   * The next request that begins at a replica; ask when it can take another prompt.
   *
   * @return null if none waits there, or the next one has to wait for memory
   */
  public @Nullable Start start(int replica) {
    Session head = queues.get(replica).peek();
    if (head == null || !loads.up(replica)) {
      return null;
    }
    if (!place(head)) {
      blocked[replica] = head;
      return null;
    }
    queues.get(replica).remove(head);
    blocked[replica] = null;
    head.state = State.PREFILLING;
    return new Start(head.id, head.route);
  }

  /** Reserves memory at both ends, or nothing. */
  private boolean place(Session session) {
    int p = session.p();
    boolean inPlace = session.d() == p;
    if (!mayTake(session, p) || !admissions[p].hasRoom(inPlace ? session.most() : session.prompt)) {
      return false;
    }
    if (!inPlace && (policy.lateBinding() || !hasRoom(session, session.d(), false))) {
      rebind(session, false, 0);
    }
    int d = session.d();
    if (d != p) {
      if (!mayTake(session, d) || !admissions[d].hasRoom(session.most())) {
        return false;
      }
      admissions[d].claim(session.id, session.most());
    }
    admissions[p].claim(session.id, d == p ? session.most() : session.prompt);
    return true;
  }

  /** Whether nobody older waits for memory of the replica. */
  private boolean mayTake(Session session, int replica) {
    for (Session other : blocked) {
      if (other != null && other != session && other.age < session.age && other.on(replica)) {
        return false;
      }
    }
    return true;
  }

  /** Chooses the DECODE replica again; it stays if none has room. */
  private void rebind(Session session, boolean prefilled, double sent) {
    releaseDecode(session);
    int chosen =
        router.bind(
            new Router.Bound(session.route, session.prompt, session.maxTokens, prefilled, sent),
            r -> hasRoom(session, r, prefilled),
            loads);
    if (chosen >= 0) {
      session.route = new Router.Route(session.p(), chosen);
    }
    reserveDecode(session);
  }

  private boolean hasRoom(Session session, int replica, boolean prefilled) {
    if (prefilled && replica == session.d()) {
      return true;
    }
    if (replica == session.p()) {
      return mayTake(session, replica)
          && admissions[replica].hasRoom(session.most() - (prefilled ? session.prompt : 0));
    }
    return mayTake(session, replica) && admissions[replica].hasRoom(session.most());
  }

  // After the start.

  /** A chunk of a prompt entered the first stage. */
  public void fed(long session, int tokens) {
    Session fed = get(session);
    fed.fed += tokens;
    loads.prefill(fed.p(), -fed.promptSeconds * tokens / fed.prompt, -tokens);
  }

  /**
   * A prompt is done and its first token sampled.
   *
   * @param sent share of its KV cache that is on its DECODE replica already
   * @return the replica it decodes on from now on; memory for it is reserved there
   */
  public int prefilled(long session, double sent) {
    Session done = get(session);
    int before = done.d();
    if (policy.lateBinding() && before != done.p()) {
      rebind(done, true, sent);
      if (done.d() != before) {
        admissions[before].release(done.id);
        if (done.d() == done.p()) {
          require(admissions[done.p()].resize(done.id, done.most()));
        } else {
          admissions[done.d()].claim(done.id, done.most());
        }
      }
    }
    if (done.d() == done.p()) {
      decoding(done);
    } else {
      done.state = State.MOVING;
    }
    return done.d();
  }

  private static void require(boolean reserved) {
    if (!reserved) {
      throw new IllegalStateException("the router chose a replica without room");
    }
  }

  /** The KV cache is complete on the DECODE replica. */
  public void handedOff(long session) {
    Session moved = get(session);
    admissions[moved.p()].release(session);
    loads.handoff(moved.p(), moved.d(), moved.prompt, -1);
    loads.passing(moved.p(), -moved.prompt);
    decoding(moved);
  }

  private void decoding(Session session) {
    session.state = State.DECODING;
    loads.decoding(session.d(), 1);
    if (foreignPrompt(session)) {
      loads.foreign(session.p(), -1);
    }
  }

  /** An answer ended, wherever the session was. */
  public void finished(long session, int outputTokens) {
    loads.answered(outputTokens);
    long unused = lose(session);
  }

  /**
   * Forgets a session and gives back what it holds.
   *
   * @return its age, for {@link #comeBack}
   */
  public long lose(long session) {
    Session lost = get(session);
    sessions.remove(session);
    if (lost.state == State.PARKED) {
      parked.remove(session);
      return lost.age;
    }
    dequeue(lost);
    if (lost.state == State.DECODING) {
      loads.decoding(lost.d(), -1);
    }
    releaseDecode(lost);
    admissions[lost.p()].release(session);
    admissions[lost.d()].release(session);
    return lost.age;
  }

  private void dequeue(Session session) {
    if (session.state == State.WAITING) {
      queues.get(session.p()).remove(session);
      if (blocked[session.p()] == session) {
        blocked[session.p()] = null;
      }
    }
    int unfed = session.prompt - session.fed;
    loads.prefill(session.p(), -session.promptSeconds * unfed / session.prompt, -unfed);
  }

  private Session get(long session) {
    Session found = sessions.get(session);
    if (found == null) {
      throw new IllegalStateException("session " + session + " is not here");
    }
    return found;
  }

  // Reservations in the loads.

  private void reserveDecode(Session session) {
    int p = session.p();
    int d = session.d();
    loads.bound(d, 1, session.prompt, session.most());
    if (p != d) {
      loads.handoff(p, d, session.prompt, 1);
      loads.passing(p, session.prompt);
    }
    if (foreignPrompt(session)) {
      loads.foreign(p, 1);
    }
    if (foreignAnswer(session)) {
      loads.foreign(d, 1);
    }
  }

  private void releaseDecode(Session session) {
    int p = session.p();
    int d = session.d();
    loads.bound(d, -1, session.prompt, session.most());
    if (p != d && session.state != State.DECODING) {
      loads.handoff(p, d, session.prompt, -1);
      loads.passing(p, -session.prompt);
    }
    if (foreignPrompt(session) && session.state != State.DECODING) {
      loads.foreign(p, -1);
    }
    if (foreignAnswer(session)) {
      loads.foreign(d, -1);
    }
  }

  private boolean foreignPrompt(Session session) {
    return estimates.role(session.p()) == Role.DECODE;
  }

  private boolean foreignAnswer(Session session) {
    return estimates.role(session.d()) == Role.PREFILL;
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
    List<Session> begun = new ArrayList<>();
    List<Session> waiting = new ArrayList<>();
    for (Session session : sessions.values()) {
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
    for (Session session : waiting) {
      dequeue(session);
      releaseDecode(session);
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
    List<Session> again = new ArrayList<>(parked.values());
    parked.clear();
    List<Integer> at = new ArrayList<>();
    for (Iterator<Session> i = again.iterator(); i.hasNext(); ) {
      int p = enqueue(i.next());
      if (p >= 0) {
        at.add(p);
      }
    }
    return at;
  }

  /** What is under way and promised on every replica. */
  public ReplicaLoads loads() {
    return loads;
  }

  /** Tokens reserved on a replica, and how many it can cache. */
  public Admission admission(int replica) {
    return admissions[replica];
  }
}
