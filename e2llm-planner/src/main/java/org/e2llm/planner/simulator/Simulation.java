package org.e2llm.planner.simulator;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.CapacityException;
import org.e2llm.planner.workload.Requests;
import org.e2llm.serving.BatchScheduler;
import org.e2llm.serving.Dispatcher;
import org.jspecify.annotations.Nullable;

/**
 * One run: the event loop, and what happens to a request between two policies.
 *
 * <p>Events are batches leaving a stage, KV pieces arriving, and frozen devices being noticed;
 * arrivals and faults come from their sorted lists. At the same moment a fault comes before an
 * arrival, and that before an event.
 */
final class Simulation {
  /** Kinds of events, in the upper bits; below, what it is about and its version. */
  private static final int FLIGHT = 0;

  private static final int KV_PIECE = 1;
  private static final int DETECTION = 2;

  final Deployment deployment;
  final Requests requests;
  final PlanEstimates estimates;
  final Dispatcher dispatcher;
  final RequestLog log;
  final Traffic traffic;
  final EventQueue events = new EventQueue();
  final Work work;

  private final SimulationOptions options;
  private final ReplicaRun[] replicas;
  private final Handoffs handoffs;
  private final Faults faults;
  private final List<Flight> flights = new ArrayList<>();
  private final List<Flight> idleFlights = new ArrayList<>();

  /** Tokens of a request whose KV has to be computed before its next token. */
  private final int[] prompts;

  /** Whether a replica may begin with what waits at another one. */
  private final boolean takesOver;

  // Replicas that look for something to do next, as a ring with room for all.

  private final boolean[] looks;
  private final int[] lookers;
  private int lookersFirst;
  private int lookersEnd;

  /** When the last thing happened. */
  private double clock;

  private int refused;

  Simulation(Deployment deployment, Requests requests, SimulationOptions options) {
    this.deployment = deployment;
    this.requests = requests;
    this.options = options;
    int n = deployment.replicas();
    estimates = new PlanEstimates(deployment, requests.workload(1000, 1));
    dispatcher = new Dispatcher(deployment.plan().policy(), estimates);
    takesOver = deployment.plan().policy().slo().ttftSeconds() < Double.POSITIVE_INFINITY;
    log = new RequestLog(requests);
    traffic = new Traffic(deployment.network(), deployment.interfaces());
    work = new Work(deployment);
    prompts = new int[requests.size()];
    looks = new boolean[n];
    lookers = new int[n + 1];
    replicas = new ReplicaRun[n];
    for (int r = 0; r < n; r++) {
      replicas[r] = new ReplicaRun(this, r);
    }
    handoffs = new Handoffs(this);
    faults = new Faults(this, options);
  }

  /**
   * To the end, or until an outlook sees no hope.
   *
   * @return whether it came to the end
   */
  boolean run(@Nullable Outlook outlook) {
    for (int request = 0; request < requests.size(); request++) {
      double arrival = requests.arrival(request);
      if (!advance(arrival, outlook)) {
        return false;
      }
      clock = arrival;
      arrive(request, arrival);
      lookIfIdle();
      settle(arrival);
    }
    if (!advance(Double.POSITIVE_INFINITY, outlook)) {
      return false;
    }
    if (log.open() > dispatcher.parked()) {
      throw new IllegalStateException(
          log.open()
              - dispatcher.parked()
              + " requests are neither answered nor waiting for a replica");
    }
    return true;
  }

  /**
   * To the next arrival. A loop of its own: what happens at an arrival is a lot of code and seldom,
   * and would be compiled anew with every event of this loop that is the first of its kind.
   *
   * @return whether there is hope
   */
  private boolean advance(double arrival, @Nullable Outlook outlook) {
    while (true) {
      double event = events.nextTime();
      double fault = faults.nextTime();
      double time = Math.min(fault, event);
      if (time == Double.POSITIVE_INFINITY || (fault > arrival && event >= arrival)) {
        return true;
      }
      if (time < clock) {
        throw new IllegalStateException("time goes back from " + clock + " to " + time);
      }
      clock = time;
      if (fault == time) {
        faults.next(time);
      } else {
        happen(events.poll(), time);
      }
      settle(time);
      if (outlook != null && outlook.isHopeless(time)) {
        return false;
      }
    }
  }

  SimulationResult result() {
    return new SimulationResult(log, work, traffic, options.warmUp(), refused);
  }

  private void happen(long event, double now) {
    int kind = (int) (event >>> 60);
    int id = (int) (event >>> 32) & 0xFFFFFFF;
    int version = (int) event;
    if (kind == FLIGHT) {
      Flight flight = flights.get(id);
      if (flight.version == version && flight.replica >= 0) {
        replicas[flight.replica].stageDone(flight, now);
      }
    } else if (kind == KV_PIECE) {
      handoffs.arrived(id, version, now);
    } else {
      faults.detect(id, version, now);
    }
  }

  void scheduleFlight(Flight flight, double time) {
    flight.due = time;
    schedule(FLIGHT, flight.id, flight.version, time);
  }

  void scheduleKv(int piece, int version, double time) {
    schedule(KV_PIECE, piece, version, time);
  }

  void scheduleDetection(int device, int version, double time) {
    schedule(DETECTION, device, version, time);
  }

  private void schedule(int kind, int id, int version, double time) {
    events.add(time, ((long) kind << 60) | ((long) id << 32) | (version & 0xFFFFFFFFL));
  }

  Flight takeFlight() {
    if (!idleFlights.isEmpty()) {
      return idleFlights.remove(idleFlights.size() - 1);
    }
    Flight flight = new Flight(flights.size());
    flights.add(flight);
    return flight;
  }

  void giveBack(Flight flight) {
    flight.replica = -1;
    flight.version++;
    idleFlights.add(flight);
  }

  ReplicaRun replica(int number) {
    return replicas[number];
  }

  Handoffs handoffs() {
    return handoffs;
  }

  // The life of a request.

  private void arrive(int request, double now) {
    log.arrived(request);
    prompts[request] = requests.prompt(request);
    try {
      wake(dispatcher.arrive(request, prompts[request], requests.maxTokens(request), now));
    } catch (CapacityException e) {
      // As in a live cluster: the app gets the error, and the request is over.
      log.refused(request);
      refused++;
    }
  }

  /** Something changed for a replica, or none (-1): it may have something to do now. */
  void wake(int replica) {
    if (replica >= 0) {
      replicas[replica].changed();
      lookLater(replica);
    }
  }

  /**
   * A replica looks for something to do when what happens now is over, after those that wait to.
   */
  void lookLater(int replica) {
    if (!looks[replica]) {
      looks[replica] = true;
      lookers[lookersEnd] = replica;
      lookersEnd = (lookersEnd + 1) % lookers.length;
    }
  }

  /** Somebody may be late elsewhere; where nothing happens, nothing else lets a replica look. */
  private void lookIfIdle() {
    for (int r = 0; takesOver && r < replicas.length; r++) {
      if (replicas[r].isIdle()) {
        lookLater(r);
      }
    }
  }

  void wakeAll() {
    for (int r = 0; r < replicas.length; r++) {
      wake(r);
    }
  }

  /** Memory became free, or the oldest that waited for it has it: others may begin. */
  void wakeBlocked() {
    for (int r = 0; r < replicas.length; r++) {
      if (dispatcher.goOn(r, replicas[r].scheduler())) {
        held(r);
        wake(r);
      }
      if (dispatcher.isBlocked(r)) {
        wake(r);
      }
    }
  }

  /** Memory of a replica was given to somebody. */
  private void held(int replica) {
    work.held(replica, dispatcher.admission(replica).reservedBytes());
  }

  /** A batch has left a replica: who decodes in it may need more memory. */
  void landed(BatchScheduler.Decision batch, int replica) {
    dispatcher.landed(batch, replicas[replica].scheduler());
    held(replica);
  }

  /** Has those that wait to look do so. */
  private void settle(double now) {
    while (lookersFirst != lookersEnd) {
      int replica = lookers[lookersFirst];
      lookersFirst = (lookersFirst + 1) % lookers.length;
      looks[replica] = false;
      replicas[replica].look(now);
    }
  }

  /** It got its place: its prompt enters the batches of a replica. */
  void begin(Dispatcher.Start start, double now) {
    int request = (int) start.session();
    int prompt = prompts[request];
    int p = start.route().prefill();
    replicas[p].scheduler().add(request, 0, prompt, lastSampled(request), start.yields());
    int d = start.route().decode();
    if (p != d) {
      handoffs.begin(request, p, d, prompt);
    }
    held(p);
    held(d);
    wakeBlocked();
  }

  private int lastSampled(int request) {
    // All tokens known at the start of this attempt, and the limit of what may still follow.
    int atStart = prompts[request] - requests.prompt(request);
    return prompts[request] + requests.maxTokens(request) - atStart - 1;
  }

  /** All of a prompt is computed. Its next token is sampled where all that follow it are. */
  void prefilled(int request, int p, double now) {
    log.prefilled(request, now);
    int d = dispatcher.prefilled(request, handoffs.share(request));
    if (d == p) {
      log.ready(request, now);
      if (log.sampled(request, 1, now)) {
        finish(request, p, now);
        return;
      }
      dispatcher.scheduled(request, replicas[p].scheduler());
      handoffs.drop(request);
    } else {
      replicas[p].scheduler().remove(request);
      handoffs.prefilled(request, p, d, prompts[request], now);
    }
    held(d);
    wakeBlocked(); // if it goes elsewhere than planned, memory became free there
  }

  void handedOff(int request, int d, double now) {
    work.handedOff();
    dispatcher.handedOff(request);
    log.ready(request, now);
    replicas[d].scheduler().join(request, prompts[request] - 1, lastSampled(request));
    dispatcher.scheduled(request, replicas[d].scheduler());
    wake(d);
    wakeBlocked();
  }

  void finish(int request, int replica, double now) {
    replicas[replica].scheduler().remove(request);
    handoffs.drop(request);
    dispatcher.finished(request, requests.output(request));
    log.done(request, now);
    wakeBlocked();
  }

  /** A fault took what replicas held of these requests: they begin again with what is known. */
  void lose(List<Long> sessions, double now) {
    long[] ages = new long[sessions.size()];
    for (int i = 0; i < ages.length; i++) {
      int request = sessions.get(i).intValue();
      for (ReplicaRun replica : replicas) {
        replica.scheduler().remove(request);
      }
      handoffs.drop(request);
      ages[i] = dispatcher.lose(request);
      log.lost(request, now);
      work.lost();
    }
    for (int i = 0; i < ages.length; i++) {
      int request = sessions.get(i).intValue();
      prompts[request] = requests.prompt(request) + log.produced[request];
      int left = requests.maxTokens(request) - log.produced[request];
      int unused = dispatcher.comeBack(request, ages[i], prompts[request], left);
    }
  }
}
