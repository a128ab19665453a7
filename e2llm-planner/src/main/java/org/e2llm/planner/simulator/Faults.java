package org.e2llm.planner.simulator;

import java.util.Arrays;
import java.util.List;

/** Devices that leave, freeze and return, and links that change their speed. */
final class Faults {
  private enum State {
    THERE,
    FROZEN,
    GONE
  }

  private final Simulation simulation;
  private final List<Fault> faults;
  private final double detectSeconds;
  private final int[] devices;
  private final int[] others;
  private final State[] states;
  private final int[] freezes;
  private final int[] replicaOf;
  private int next;

  Faults(Simulation simulation, SimulationOptions options) {
    this.simulation = simulation;
    faults = options.faults();
    detectSeconds = options.detectSeconds();
    Deployment deployment = simulation.deployment;
    devices = new int[faults.size()];
    others = new int[faults.size()];
    for (int i = 0; i < devices.length; i++) {
      String other = faults.get(i).other();
      devices[i] = deployment.network().number(faults.get(i).device());
      others[i] = other == null ? -1 : deployment.network().number(other);
    }
    int n = deployment.network().size();
    states = new State[n];
    Arrays.fill(states, State.THERE);
    freezes = new int[n];
    replicaOf = new int[n];
    Arrays.fill(replicaOf, -1);
    for (int r = 0; r < deployment.replicas(); r++) {
      for (int s = 0; s < deployment.stages(r); s++) {
        replicaOf[deployment.device(r, s)] = r;
      }
    }
  }

  double nextTime() {
    return next < faults.size() ? faults.get(next).seconds() : Double.POSITIVE_INFINITY;
  }

  void next(double now) {
    Fault fault = faults.get(next);
    int device = devices[next];
    int other = others[next++];
    switch (fault.kind()) {
      case LEAVE -> {
        states[device] = State.GONE;
        fail(device, now);
      }
      case FREEZE -> freeze(device, now);
      case RETURN -> comeBack(device, now);
      case SLOW_LINK -> simulation.traffic.slow(device, other, fault.slowness());
    }
  }

  private void freeze(int device, double now) {
    if (states[device] != State.THERE) {
      return;
    }
    states[device] = State.FROZEN;
    freezes[device]++;
    int r = replicaOf[device];
    if (r >= 0 && simulation.replica(r).isUp()) {
      if (!simulation.replica(r).isFrozen()) {
        simulation.replica(r).freeze(now);
      }
      simulation.scheduleDetection(device, freezes[device], now + detectSeconds);
    }
  }

  /** The heartbeats of a frozen device have been missing for long enough. */
  void detect(int device, int freeze, double now) {
    if (states[device] == State.FROZEN && freezes[device] == freeze) {
      states[device] = State.GONE;
      fail(device, now);
    }
  }

  private void fail(int device, double now) {
    int r = replicaOf[device];
    if (r < 0 || !simulation.replica(r).isUp()) {
      return;
    }
    simulation.replica(r).fail();
    simulation.lose(simulation.dispatcher.down(r), now);
    simulation.handoffs().goOn(now);
    simulation.wakeAll();
  }

  private void comeBack(int device, double now) {
    states[device] = State.THERE;
    int r = replicaOf[device];
    if (r < 0) {
      return;
    }
    for (int s = 0; s < simulation.deployment.stages(r); s++) {
      if (states[simulation.deployment.device(r, s)] != State.THERE) {
        return;
      }
    }
    if (!simulation.replica(r).isUp()) {
      simulation.replica(r).recover(now);
      List<Integer> unused = simulation.dispatcher.up(r);
      simulation.wakeAll();
    } else if (simulation.replica(r).isFrozen()) {
      simulation.replica(r).goOn(now);
      simulation.handoffs().goOn(now);
    }
  }
}
