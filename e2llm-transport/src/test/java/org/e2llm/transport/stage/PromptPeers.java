package org.e2llm.transport.stage;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.LocalReplica;
import org.e2llm.pipeline.Replica;
import org.e2llm.plan.HiddenType;
import org.e2llm.plan.PlanOrder;
import org.e2llm.plan.Slo;
import org.e2llm.plan.StagePlan;
import org.e2llm.serving.HostLimits;
import org.e2llm.serving.ServingLoop;
import org.e2llm.serving.SessionRouter;
import org.e2llm.testing.FakeEngine;
import org.e2llm.testing.FakeStage;
import org.e2llm.testing.FakeTokenizer;

/**
 * A second replica among {@link MemoryPeers}, which computes the prompts of the first one. It is
 * set up again over the devices that are left, as the first one is.
 */
final class PromptPeers implements AutoCloseable {
  private final MemoryPeers peers;
  private final List<String> devices;
  private final ScheduledExecutorService plans =
      Executors.newSingleThreadScheduledExecutor(
          work -> {
            Thread made = new Thread(work, "test-prompt-plans");
            made.setDaemon(true);
            return made;
          });

  // Belonging to the plans thread.
  private String host = "";
  private boolean closed;
  private volatile ServingLoop loop;
  private RingReplica ring;
  private String makingOn = "";
  private final List<ServingLoop> ending = new ArrayList<>();

  /** Sets the replica up and has all callers send their prompts there. */
  PromptPeers(MemoryPeers peers, String... devices) {
    this.peers = peers;
    this.devices = List.of(devices);
    peers.promptHosts.addAll(this.devices);
    plans.scheduleWithFixedDelay(this::tick, 0, 1, TimeUnit.MILLISECONDS);
    MemoryPeers.eventually("a ring over " + this.devices, () -> loop != null);
  }

  private void tick() {
    try {
      if (loop != null && (peers.isLost(host) || (ring != null && ring.isBroken()))) {
        if (!peers.isLost(host)) {
          peers.peer(host).client.hosted().serveOn(null);
          peers.peer(host).kv.serveOn(null);
        }
        ending.add(loop);
        loop = null;
        ring = null;
      }
      ending.removeIf(
          old -> {
            boolean idle = old.stats().activeSessions() == 0 && old.stats().queued() == 0;
            if (idle) {
              old.close();
            }
            return idle;
          });
      if (!closed && loop == null && (makingOn.isEmpty() || peers.isLost(makingOn))) {
        make();
      }
    } catch (RuntimeException | Error e) {
      e.printStackTrace();
    }
  }

  private void make() {
    List<String> left = new ArrayList<>();
    for (String device : devices) {
      boolean whole = !peers.isLost(device);
      for (String other : left) {
        whole &= peers.line(device, other).open;
      }
      if (whole) {
        left.add(device);
      }
    }
    if (left.isEmpty()) {
      return;
    }
    List<StagePlan> stages = new ArrayList<>();
    for (int i = 0; i < left.size(); i++) {
      int from = MemoryPeers.LAYERS * i / left.size();
      int to = MemoryPeers.LAYERS * (i + 1) / left.size();
      stages.add(new StagePlan(left.get(i), LayerRange.of(from, to)));
    }
    MemoryPeer first = peers.peer(left.get(0));
    makingOn = first.name();
    if (stages.size() == 1) {
      FakeStage whole = first.stage(stages.get(0).layers());
      made(stages, new LocalReplica(whole, FakeTokenizer.VOCABULARY, first.client));
      return;
    }
    long id = ThreadLocalRandom.current().nextLong();
    first
        .stages
        .replica(new Ring(id, PlanOrder.NONE, stages, HiddenType.F32), first.client)
        .whenComplete((done, error) -> plans.execute(() -> made(stages, done)));
  }

  private void made(List<StagePlan> stages, Replica replica) {
    String onHost = stages.get(0).device();
    if (!onHost.equals(makingOn)) {
      return; // it was lost in the middle
    }
    makingOn = "";
    if (replica == null) {
      return;
    }
    host = onHost;
    ring = replica instanceof RingReplica whole ? whole : null;
    loop =
        new ServingLoop(
            replica,
            FakeEngine.spec(MemoryPeers.CONTEXT),
            new FakeTokenizer(),
            new HostLimits(
                peers.kvBytes,
                MemoryPeers.LAYERS * FakeStage.BYTES_PER_POSITION,
                MemoryPeers.CONTEXT,
                1000,
                Slo.NONE),
            () -> {});
    MemoryPeer first = peers.peer(onHost);
    KvReplica moves = new KvReplica(first.kv, stages, peers.kvWire, replica, loop);
    first.client.hosted().serveOn(loop, moves);
    first.kv.serveOn(moves);
    peers.router = to(onHost);
    peers.all().forEach(MemoryPeer::offerHosts);
  }

  private static SessionRouter to(String promptHost) {
    return new SessionRouter() {
      @Override
      public String host(Request request, Collection<Placed> others) {
        return null;
      }

      @Override
      public String betterHost(String host, Request request, Collection<Placed> others) {
        return null;
      }

      @Override
      public String promptHost(String host, Request request, Collection<Placed> others) {
        return promptHost;
      }
    };
  }

  /** Bytes of KV that went from this replica's devices to {@code to}. */
  long kvBytes(String from, String to) {
    return peers.line(from, to).kvBytes.get();
  }

  @Override
  public void close() {
    try {
      plans
          .submit(
              () -> {
                closed = true;
                if (loop != null) {
                  loop.close();
                }
                ending.forEach(ServingLoop::close);
              })
          .get(30, TimeUnit.SECONDS);
    } catch (Exception e) {
      throw new AssertionError(e);
    }
    plans.shutdown();
  }
}
