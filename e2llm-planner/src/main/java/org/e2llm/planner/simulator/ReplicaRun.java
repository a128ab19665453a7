package org.e2llm.planner.simulator;

import java.util.Arrays;
import org.e2llm.serving.BatchScheduler;
import org.e2llm.serving.Dispatcher;
import org.jspecify.annotations.Nullable;

/**
 * A replica at work: forms batches when its first stage is free, and takes them from stage to
 * stage.
 *
 * <p>Stages work first come, first served, and batches stay in order; so when a batch leaves a
 * stage, the end of the next one is known, and one event per stage is enough. On a single stage, a
 * batch that stays the same for many steps is one event; whatever changes meanwhile cuts it short
 * at the end of the step.
 */
final class ReplicaRun {
  /** Caches grow with every step: no more of them than can be taken as alike. */
  static final int MOST_STEPS = 64;

  private final Simulation simulation;
  private final int number;
  private final int stages;
  private final double returnSeconds;
  private final int mostUnderWay;
  private final double[] free;

  /** From each stage to the next. */
  private final Traffic.Path[] hops;

  private final Flight[] underWay;
  private int flights;
  private BatchScheduler scheduler;

  /** Sessions that decoded when batches were limited. */
  private int limitedFor;

  /** Until then whoever is blocked here has no place, unless {@link #changed something changes}. */
  private double refusedUntil = Double.NEGATIVE_INFINITY;

  private boolean up = true;
  private double frozenAt = Double.NaN;

  ReplicaRun(Simulation simulation, int number) {
    this.simulation = simulation;
    this.number = number;
    stages = simulation.deployment.stages(number);
    returnSeconds = simulation.deployment.returnSeconds(number);
    // One for every stage, and one on its way: the slowest stage always has the next one there.
    mostUnderWay = stages == 1 ? 1 : stages + 1;
    free = new double[stages];
    hops = new Traffic.Path[stages - 1];
    for (int stage = 0; stage < hops.length; stage++) {
      hops[stage] =
          simulation.traffic.path(
              simulation.deployment.device(number, stage),
              simulation.deployment.device(number, stage + 1));
    }
    underWay = new Flight[mostUnderWay];
    scheduler = newScheduler();
  }

  private BatchScheduler newScheduler() {
    limitedFor = 0;
    return new BatchScheduler(simulation.estimates.limits(number, 0));
  }

  BatchScheduler scheduler() {
    return scheduler;
  }

  /** Whether no batch is under way. */
  boolean isIdle() {
    return flights == 0;
  }

  private boolean works() {
    return up && Double.isNaN(frozenAt);
  }

  /** Somebody came, began or ended here or elsewhere. */
  void changed() {
    refusedUntil = Double.NEGATIVE_INFINITY;
  }

  /** There may be something to do. */
  void look(double now) {
    if (!works()) {
      return;
    }
    if (flights == 1 && underWay[0].steps > 1) {
      cut(underWay[0], now);
    } else {
      launch(now);
    }
  }

  /** Ends a run of equal steps with the step that is being computed. */
  private void cut(Flight flight, double now) {
    int steps = (int) Math.ceil((now - flight.start) / flight.stepSeconds - 1e-9);
    steps = Math.max(1, steps);
    if (steps >= flight.steps) {
      return;
    }
    double end = flight.start + steps * flight.stepSeconds;
    simulation.work.busy(number, 0, -(flight.steps - steps) * flight.stepSeconds);
    flight.steps = steps;
    flight.version++;
    free[0] = Math.max(now, end);
    simulation.scheduleFlight(flight, free[0]);
  }

  private void launch(double now) {
    while (free[0] <= now && flights < mostUnderWay) {
      begin(now);
      if (scheduler.decoding() != limitedFor) {
        limitedFor = scheduler.decoding();
        scheduler.limit(simulation.estimates.limits(number, limitedFor));
      }
      Flight flight = simulation.takeFlight();
      scheduler.decide(flight.decision);
      if (flight.decision.size() == 0) {
        simulation.giveBack(flight);
        break;
      }
      launch(flight, now);
    }
  }

  /** As many as the next batch has room for. */
  private void begin(double now) {
    while (now >= refusedUntil || !simulation.dispatcher.isBlocked(number)) {
      Dispatcher.Start start = next(now);
      if (start != null) {
        simulation.begin(start, now);
      } else if (simulation.dispatcher.gaveWay()) {
        simulation.wakeBlocked();
      } else {
        if (simulation.dispatcher.isBlocked(number)) {
          refused(now);
        }
        return;
      }
    }
  }

  private void refused(double now) {
    double patienceEnds = simulation.dispatcher.patienceEnds(number);
    refusedUntil = patienceEnds > now ? patienceEnds : Double.POSITIVE_INFINITY;
  }

  /** Whoever begins now, if the next batch has room for a prompt. */
  private Dispatcher.@Nullable Start next(double now) {
    boolean wants = scheduler.wantsPrompt();
    return wants || scheduler.wantsPromptInTime()
        ? simulation.dispatcher.start(number, now, !wants)
        : null;
  }

  private void launch(Flight flight, double now) {
    flight.load(number, now);
    BatchScheduler.Decision batch = flight.decision;
    RequestLog log = simulation.log;
    int steps = stages == 1 ? Math.min(batch.steps(), MOST_STEPS) : 1;
    for (int i = 0; i < batch.decodeRows(); i++) {
      int request = (int) batch.session(i);
      log.decoding(request, now);
      steps = Math.min(steps, log.stepsAlike(request));
    }
    flight.steps = steps;
    int prompts = scheduler.prompts() + simulation.dispatcher.waiting(number);
    for (int i = batch.decodeRows(); i < batch.size(); i++) {
      int request = (int) batch.session(i);
      int rows = batch.length(i);
      simulation.dispatcher.fed(request, rows);
      log.prefilling(request, rows, batch.samples(i), flight.promptTokens(), prompts, now);
    }
    scheduler.launch(batch);
    simulation.work.launched(flight.promptTokens());
    flight.stepSeconds = flight.seconds(simulation.deployment.stage(number, 0));
    double seconds = steps * flight.stepSeconds;
    simulation.work.busy(number, 0, seconds);
    free[0] = now + seconds;
    underWay[flights++] = flight;
    simulation.scheduleFlight(flight, stages == 1 ? free[0] + returnSeconds : free[0]);
  }

  /** A batch left its present stage. */
  void stageDone(Flight flight, double now) {
    int stage = flight.stage;
    BatchScheduler.Decision batch = flight.decision;
    for (int i = batch.decodeRows(); i < batch.size(); i++) {
      if (batch.stands(i)) {
        simulation
            .handoffs()
            .computed((int) batch.session(i), stage, batch.start(i) + batch.length(i), now);
      }
    }
    if (stage + 1 == stages) {
      land(flight, now);
    } else {
      pass(flight, now);
    }
    if (stage == 0 || stage + 1 == stages) {
      simulation.lookLater(number);
    }
  }

  private void pass(Flight flight, double now) {
    Deployment deployment = simulation.deployment;
    int next = flight.stage + 1;
    double arrival =
        simulation.traffic.sendHidden(
            hops[flight.stage], (double) deployment.hiddenBytes(flight.rows()), now);
    double seconds = flight.seconds(deployment.stage(number, next));
    simulation.work.busy(number, next, seconds);
    free[next] = Math.max(arrival, free[next]) + seconds;
    flight.stage = next;
    simulation.scheduleFlight(flight, next + 1 == stages ? free[next] + returnSeconds : free[next]);
  }

  private void land(Flight flight, double now) {
    BatchScheduler.Decision batch = flight.decision;
    scheduler.land(batch, flight.steps);
    remove(flight);
    for (int i = 0; i < batch.size(); i++) {
      if (!batch.stands(i)) {
        continue;
      }
      int request = (int) batch.session(i);
      if (i < batch.decodeRows()) {
        simulation.work.decoded(flight.steps);
        if (simulation.log.sampled(request, flight.steps, now)) {
          simulation.finish(request, number, now);
        }
      } else if (batch.samples(i)) {
        simulation.prefilled(request, number, now);
      }
    }
    simulation.landed(batch, number);
    simulation.giveBack(flight);
  }

  private void remove(Flight flight) {
    for (int i = 0; i < flights; i++) {
      if (underWay[i] == flight) {
        underWay[i] = underWay[--flights];
        return;
      }
    }
    throw new IllegalStateException("a batch landed that was not under way");
  }

  // Faults.

  boolean isUp() {
    return up;
  }

  boolean isFrozen() {
    return !Double.isNaN(frozenAt);
  }

  /** Stands still: what was due is put off until it goes on. */
  void freeze(double now) {
    frozenAt = now;
    for (int i = 0; i < flights; i++) {
      underWay[i].version++;
    }
  }

  void goOn(double now) {
    double stood = now - frozenAt;
    for (int stage = 0; stage < stages; stage++) {
      if (free[stage] > frozenAt) {
        free[stage] += stood;
      }
    }
    frozenAt = Double.NaN;
    for (int i = 0; i < flights; i++) {
      Flight flight = underWay[i];
      flight.start += stood;
      simulation.scheduleFlight(flight, flight.due + stood);
    }
    simulation.wake(number);
  }

  /** Is gone with all it held. */
  void fail() {
    up = false;
    frozenAt = Double.NaN;
    for (int i = 0; i < flights; i++) {
      simulation.giveBack(underWay[i]);
    }
    flights = 0;
    scheduler = newScheduler();
  }

  /** Is there again, empty. */
  void recover(double now) {
    up = true;
    Arrays.fill(free, now);
  }
}
