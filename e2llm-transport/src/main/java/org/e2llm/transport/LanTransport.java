package org.e2llm.transport;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.e2llm.E2llmException;
import org.e2llm.Progress;
import org.e2llm.WaitInterruptedException;
import org.e2llm.cluster.ClusterEvent;
import org.e2llm.cluster.ClusterException;
import org.e2llm.cluster.ClusterStatus;
import org.e2llm.cluster.NoModelException;
import org.e2llm.cluster.Share;
import org.e2llm.model.KvType;
import org.e2llm.model.ModelSource;
import org.e2llm.plan.Nic;
import org.e2llm.plan.Plan;
import org.e2llm.serving.GenerationService;
import org.e2llm.spi.ClusterLink;
import org.e2llm.spi.Engine;
import org.e2llm.spi.FoundModel;
import org.e2llm.spi.TransportProvider;
import org.e2llm.transport.discovery.LanInterface;
import org.jspecify.annotations.Nullable;

/** Joins clusters on the LAN, with a model's file or with the model of those who are there. */
public final class LanTransport implements TransportProvider {
  private static final String KV_TYPE = "kvType";
  private static final String CONTEXT = "context";
  private static final String BATCH = "batch";

  private static final long ASK_EVERY_MILLIS = 100;

  @Override
  public FoundModel find(Finding finding) {
    Consumer<ClusterEvent> events = oneAtATime(finding.onEvent());
    Lan lan = new Lan(finding.cluster(), null, finding.layouts(), events);
    try {
      return new Found(lan, await(lan, finding, events), events);
    } catch (RuntimeException | Error e) {
      leave(lan);
      throw e;
    }
  }

  private static ModelSource await(Lan lan, Finding finding, Consumer<ClusterEvent> events) {
    CompletableFuture<ModelSource> model = lan.slices().model();
    long start = System.nanoTime();
    long patience = finding.patience().toMillis();
    boolean told = false;
    while (true) {
      try {
        return model.get(ASK_EVERY_MILLIS, TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        long waited = (System.nanoTime() - start) / 1_000_000;
        finding.progress().accept(new Progress(Progress.Phase.FIND, waited, patience));
        if (waited >= patience) {
          throw nobody(lan, finding);
        }
        if (!told && waited > 2000) {
          told = true;
          events.accept(new ClusterEvent.Problem("no peer is there yet that has a model; waiting"));
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new WaitInterruptedException(
            "the thread was interrupted while it waited for a peer that has a model");
      } catch (ExecutionException e) {
        throw e.getCause() instanceof E2llmException known
            ? known
            : new ClusterException("the model cannot be taken from peers: " + e.getCause(), e);
      }
    }
  }

  private static NoModelException nobody(Lan lan, Finding finding) {
    int peers = lan.connections().open().size();
    String pinned = finding.cluster().modelId();
    return new NoModelException(
        "within "
            + finding.patience().toSeconds()
            + " s "
            + (peers == 0
                ? "no peer of cluster " + finding.cluster().name() + " was found"
                : peers
                    + " peers were found, none of which has "
                    + (pinned.isEmpty() ? "a model" : "model " + pinned))
            + ": start one that has the file, name a peer's address, or open a file here");
  }

  private static void leave(Lan lan) {
    lan.stopLooking();
    lan.close();
    lan.slices().close();
  }

  /** What connections, bytes and plans have to say comes from several threads. */
  private static Consumer<ClusterEvent> oneAtATime(Consumer<ClusterEvent> listener) {
    Object lock = new Object();
    return event -> {
      synchronized (lock) {
        listener.accept(event);
      }
    };
  }

  @Override
  public Nic nic() {
    return LanInterface.nic(LanInterface.all());
  }

  @Override
  public ClusterLink join(Joining joining) {
    Consumer<ClusterEvent> events = oneAtATime(joining.onEvent());
    Lan lan = new Lan(joining.cluster(), joining.source(), joining.layouts(), events);
    try {
      if (!joining.cluster().modelId().isEmpty()) {
        pinned(lan);
      }
      return new Member(joining, lan, events, true);
    } catch (RuntimeException | Error e) {
      leave(lan);
      throw e;
    }
  }

  /** Whether the file is the model that the app pinned, only its hash can say. */
  private static void pinned(Lan lan) {
    try {
      lan.slices().modelId().get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new WaitInterruptedException("the thread was interrupted while a model was hashed");
    } catch (ExecutionException e) {
      throw e.getCause() instanceof E2llmException known
          ? known
          : new ClusterException("the model's file cannot be hashed: " + e.getCause(), e);
    }
  }

  /** What all peers must agree on. */
  private static Map<String, String> settings(Joining joining) {
    Engine engine = joining.engine();
    Map<String, String> settings = new TreeMap<>();
    settings.put("model", engine.modelSpec().name());
    settings.put("parameters", Long.toString(engine.modelSpec().parameterCount()));
    settings.put("quantization", engine.modelSpec().quantization());
    settings.put(KV_TYPE, engine.kvType().name());
    settings.put(CONTEXT, Integer.toString(engine.contextLength()));
    settings.put(BATCH, Integer.toString(joining.batchRows()));
    settings.put("arithmetic", "F32");
    return settings;
  }

  /** A model that a peer offered. */
  private static final class Found implements FoundModel {
    private final Lan lan;
    private final ModelSource source;
    private final Consumer<ClusterEvent> events;
    private boolean joined;

    Found(Lan lan, ModelSource source, Consumer<ClusterEvent> events) {
      this.lan = lan;
      this.source = source;
      this.events = events;
    }

    @Override
    public ModelSource source() {
      return source;
    }

    @Override
    public int contextLength() {
      return number(CONTEXT, 1 << 24);
    }

    @Override
    public int batchRows() {
      return number(BATCH, 1 << 16);
    }

    /** Peers say it: what cannot be is as if it had not been said. */
    private int number(String setting, int most) {
      try {
        int found = Integer.parseInt(lan.slices().settings().getOrDefault(setting, "0"));
        return found > 0 && found <= most ? found : 0;
      } catch (NumberFormatException e) {
        return 0;
      }
    }

    @Override
    public @Nullable KvType kvType() {
      String found = lan.slices().settings().getOrDefault(KV_TYPE, "");
      for (KvType type : KvType.values()) {
        if (type.name().equals(found)) {
          return type;
        }
      }
      return null;
    }

    @Override
    public ClusterLink join(Joining joining) {
      Member member = new Member(joining, lan, events, false);
      joined = true;
      return member;
    }

    @Override
    public void close() {
      if (joined) {
        lan.slices().close();
      } else {
        leave(lan);
      }
    }
  }

  /** This device in a cluster. */
  private static final class Member implements ClusterLink {
    private final Lan lan;
    private final ClusterPeer peer;
    private final boolean ownsSlices;

    Member(Joining joining, Lan lan, Consumer<ClusterEvent> events, boolean ownsSlices) {
      this.lan = lan;
      this.ownsSlices = ownsSlices;
      peer = new ClusterPeer(joining, lan, events);
      peer.start(Addresses.reachable(lan.endpoint().addresses()));
      lan.attach(peer, settings(joining));
    }

    @Override
    public GenerationService sessions() {
      return peer.sessions();
    }

    @Override
    public ClusterStatus status() {
      return peer.status();
    }

    @Override
    public ClusterStatus.Forecast forecast(Share share) {
      return peer.forecast(share);
    }

    @Override
    public void force(@Nullable Plan plan) {
      peer.force(plan);
    }

    @Override
    public OwnShare share() {
      return peer.share();
    }

    @Override
    public void close() {
      lan.stopLooking();
      peer.close();
      lan.close();
      if (ownsSlices) {
        lan.slices().close();
      }
    }
  }
}
