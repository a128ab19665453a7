package org.e2llm.transport;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.E2llmException;
import org.e2llm.InvalidRequestException;
import org.e2llm.cluster.Cluster;
import org.e2llm.cluster.ClusterEvent;
import org.e2llm.cluster.ClusterException;
import org.e2llm.cluster.ClusterStatus;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelLayout;
import org.e2llm.model.ModelSource;
import org.e2llm.transport.net.Connection;
import org.e2llm.transport.net.Hello;
import org.e2llm.transport.net.Lane;
import org.e2llm.transport.slice.FullModel;
import org.e2llm.transport.slice.SliceEvents;
import org.e2llm.transport.slice.SliceExchange;
import org.e2llm.transport.slice.SliceOptions;
import org.e2llm.transport.slice.SliceProgress;
import org.e2llm.transport.slice.SliceStatus;
import org.e2llm.transport.slice.SliceStore;
import org.jspecify.annotations.Nullable;

/**
 * This device's part in sharing out the model's bytes: which model it is, what lies here, what is
 * to come and over which connections. A device with the model's file hashes it and serves it; any
 * other takes the model that the app pinned, or that the first peer offers, and fetches what it is
 * told to ({@link #aim}).
 *
 * <p>Who lacks bytes dials a connection of lane BULK to every peer. A holder does so too after a
 * while, for peers that cannot dial it. Safe for several threads; only {@link #close} blocks.
 */
final class Slices implements PeerConnections.Bulk, AutoCloseable {
  private static final Logger LOG = Logger.getLogger(Slices.class.getName());
  private static final long TICK_MILLIS = 100;
  private static final long DIAL_AGAIN = TimeUnit.SECONDS.toNanos(3);
  private static final long HOLDER_WAITS = TimeUnit.SECONDS.toNanos(5);

  /** Below, nobody has the time to read how far it is. */
  private static final long LONG_HASHING = 1L << 30;

  /** Dials one address after the other until one answers. */
  @FunctionalInterface
  interface Dial {
    void dial(ArrayDeque<InetSocketAddress> addresses, Lane lane);
  }

  private final String self;
  private final SliceStore store;
  private final Path cacheFolder;
  private final String pinned;
  private final Function<ModelSource, ModelLayout> layouts;
  private final Consumer<ClusterEvent> events;
  private final ScheduledThreadPoolExecutor thread;
  private final CompletableFuture<String> modelId = new CompletableFuture<>();
  private final CompletableFuture<ModelSource> model = new CompletableFuture<>();
  private final SliceOptions options;

  private volatile @Nullable SliceExchange exchange;
  private volatile Holding holding = Holding.NONE;
  private volatile Runnable onChange = () -> {};
  private volatile Set<String> whole = Set.of();
  private volatile Set<String> kvPeers = Set.of();
  private volatile Map<String, String> settings = Map.of();
  private @Nullable CompletableFuture<FullModel> hashing;

  // Belonging to the thread.
  private final Map<String, Long> dialAt = new HashMap<>();

  // Guarded by this.
  private final Map<Connection, Hello> open = new LinkedHashMap<>();
  private List<LayerRange> plan = List.of();
  private List<LayerRange> standby = List.of();
  private CompletableFuture<Void> done = new CompletableFuture<>();
  private boolean aimed;
  private boolean closed;

  /**
   * @param home where the cache is, if the app names no other place
   * @param layouts how the engine reads a header
   */
  Slices(
      String self,
      Cluster cluster,
      Path home,
      Function<ModelSource, ModelLayout> layouts,
      SliceOptions options,
      Consumer<ClusterEvent> events) {
    this.self = self;
    Path folder = cluster.cache().folder();
    this.cacheFolder = folder != null ? folder : home.resolve("slices");
    this.store = SliceStore.open(cacheFolder, cluster.cache().maxBytes());
    this.pinned = cluster.modelId();
    this.layouts = layouts;
    this.options = options;
    this.events = events;
    this.thread = Daemons.executor("e2llm-slices");
  }

  /** Begins to hash the app's own file, which this device then serves. Before {@link #start}. */
  void hash(ModelSource file) {
    holding = new Holding("", true, 0, List.of());
    model.complete(file);
    CompletableFuture<FullModel> made;
    try {
      made = FullModel.open(layouts.apply(file), store.manifests(), this::hashed);
    } catch (E2llmException e) {
      made = CompletableFuture.failedFuture(e);
    }
    hashing = made;
    made.whenComplete(
        (full, error) -> {
          if (error == null) {
            identified(full);
          } else if (!(error instanceof CancellationException)) {
            modelId.completeExceptionally(error);
            tell(
                new ClusterEvent.Problem(
                    "the model's file cannot be shared with peers: " + error.getMessage()));
          }
        });
  }

  private long toldHashing;

  /** On the thread that hashes. */
  private void hashed(SliceProgress progress) {
    long now = System.nanoTime();
    if (progress.totalBytes() >= LONG_HASHING
        && !progress.isComplete()
        && (toldHashing == 0 || now - toldHashing > TimeUnit.SECONDS.toNanos(1))) {
      toldHashing = now;
      tell(new ClusterEvent.Hashing(progress.doneBytes(), progress.totalBytes()));
    }
  }

  private void identified(FullModel full) {
    String found = full.modelId();
    if (!pinned.isEmpty() && !pinned.equals(found)) {
      full.close();
      modelId.completeExceptionally(
          new InvalidRequestException(
              "the app takes part with model "
                  + pinned
                  + " only, and the file that it opens is model "
                  + found));
      return;
    }
    synchronized (this) {
      if (closed) {
        full.close();
        return;
      }
      exchange(SliceExchange.serving(full, new Heard()));
    }
    holding = new Holding(found, true, 0, List.of());
    modelId.complete(found);
    onChange.run();
  }

  /** Begins to exchange with those who are connected. */
  void start(PeerConnections known, Dial dial) {
    synchronized (this) {
      if (!pinned.isEmpty() && !holding.full()) {
        fetch(pinned);
      }
    }
    thread.scheduleWithFixedDelay(
        () -> dialAll(known, dial), 0, TICK_MILLIS, TimeUnit.MILLISECONDS);
  }

  /** What this device says of itself; see {@link #onChange}. */
  Holding holding() {
    return holding;
  }

  /** Completes with the model's id once it is known. */
  CompletableFuture<String> modelId() {
    return modelId;
  }

  /** Completes, on any thread, once an engine can open the model. */
  CompletableFuture<ModelSource> model() {
    return model;
  }

  /** Cluster-wide settings, as the peer has them that offered the model. */
  Map<String, String> settings() {
    return settings;
  }

  /** Runs on any thread when the holding is another one. */
  void onChange(Runnable listener) {
    onChange = listener;
    listener.run();
  }

  /** The cache turned out to have room for so many bytes only. */
  void room(long bytes) {
    Holding now = holding;
    holding = new Holding(now.modelId(), now.full(), Math.max(0, bytes), now.layers());
    onChange.run();
  }

  /** Peers that need nothing: their apps have the file. */
  void whole(Set<String> peers) {
    whole = peers;
  }

  /** Peers with which KV caches are exchanged: they are connected with too. */
  void kvPeers(Set<String> peers) {
    kvPeers = peers;
  }

  /** What came and went so far. */
  ClusterStatus.Traffic traffic() {
    SliceExchange here = exchange;
    SliceStatus status = here == null ? null : here.status();
    return status == null
        ? new ClusterStatus.Traffic(0, 0)
        : new ClusterStatus.Traffic(status.bytesFetched(), status.bytesServed());
  }

  /**
   * What this device is to hold from now on.
   *
   * @param newPlan layers of its stages
   * @param newStandby layers beside them
   * @return completes, on any thread, once all of the plan's bytes are here; with an {@link
   *     E2llmException} if they cannot be had. Never, if another plan comes first
   */
  CompletableFuture<Void> aim(List<LayerRange> newPlan, List<LayerRange> newStandby) {
    if (holding.full()) {
      return modelId.thenApply(id -> null);
    }
    synchronized (this) {
      boolean same = aimed && plan.equals(newPlan) && !done.isCompletedExceptionally();
      if (same && standby.equals(newStandby)) {
        return done;
      }
      aimed = true;
      plan = List.copyOf(newPlan);
      standby = List.copyOf(newStandby);
      done = same ? done : new CompletableFuture<>();
      send();
      return done;
    }
  }

  private void send() {
    SliceExchange here = exchange;
    if (here == null || !aimed) {
      return;
    }
    CompletableFuture<Void> waiting = done;
    here.aim(plan, standby)
        .whenComplete(
            (nothing, error) -> {
              if (error == null) {
                waiting.complete(null);
              } else if (!(error instanceof CancellationException)) {
                waiting.completeExceptionally(error);
              }
            });
  }

  // Connections; on the net thread.

  @Override
  public void opened(Connection connection, Hello hello) {
    synchronized (this) {
      open.put(connection, hello);
      SliceExchange here = exchange;
      if (here != null) {
        here.opened(connection);
      }
    }
  }

  @Override
  public void received(Connection connection, byte type, ByteBuffer payload) {
    SliceExchange here = exchange;
    if (here == null) {
      String offered = SliceExchange.offered(type, payload);
      if (offered == null || holding.full()) {
        return;
      }
      synchronized (this) {
        Hello hello = open.get(connection);
        if (hello == null || closed) {
          return;
        }
        settings = exchange == null ? hello.settings() : settings;
        fetch(offered);
        here = exchange;
      }
    }
    if (here != null) {
      here.received(connection, type, payload);
    }
  }

  @Override
  public void closed(Connection connection) {
    synchronized (this) {
      open.remove(connection);
      SliceExchange here = exchange;
      if (here != null) {
        here.closed(connection);
      }
    }
  }

  /** Guarded by this. */
  private void fetch(String id) {
    if (exchange == null) {
      exchange(SliceExchange.fetching(self, id, store, layouts, options, new Heard()));
    }
  }

  /** Guarded by this. */
  private void exchange(SliceExchange made) {
    exchange = made;
    open.keySet().forEach(made::opened);
    send();
  }

  private void dialAll(PeerConnections known, Dial dial) {
    long now = System.nanoTime();
    boolean full = holding.full();
    List<String> there = new ArrayList<>();
    for (PeerConnections.Open peer : known.open()) {
      String id = peer.connection().peer();
      there.add(id);
      boolean kv = kvPeers.contains(id);
      if (known.bulk(id) != null || (full && whole.contains(id) && !kv)) {
        dialAt.remove(id);
        continue;
      }
      boolean waits = kv ? self.compareTo(id) > 0 : full;
      long due = dialAt.computeIfAbsent(id, first -> waits ? now + HOLDER_WAITS : now);
      if (now - due >= 0) {
        dialAt.put(id, now + DIAL_AGAIN);
        InetSocketAddress seen = peer.connection().remote();
        ArrayDeque<InetSocketAddress> addresses =
            new ArrayDeque<>(peer.hello().reachableAt(seen.getAddress()));
        if (!addresses.contains(seen)) {
          addresses.add(seen);
        }
        dial.dial(addresses, Lane.BULK);
      }
    }
    dialAt.keySet().retainAll(there);
  }

  /** What the exchange has to say; on its threads. */
  private final class Heard implements SliceEvents {
    @Override
    public void ready(ModelSource source, ModelLayout layout) {
      String id = Objects.requireNonNull(exchangeId());
      holding = new Holding(id, false, Math.max(0, room() - besides(layout)), List.of());
      modelId.complete(id);
      model.complete(source);
      onChange.run();
    }

    private @Nullable String exchangeId() {
      synchronized (Slices.this) {
        SliceExchange here = exchange;
        return here == null ? null : here.modelId();
      }
    }

    /**
     * At most what the cache needs for the model besides its tensors: headers, twice, and hashes.
     */
    private long besides(ModelLayout layout) {
      long bytes = 1024;
      for (ModelLayout.File file : layout.files()) {
        bytes += 2 * file.headerBytes() + 64;
      }
      for (ModelLayout.Tensor tensor : layout.tensors()) {
        bytes += 64 + 33 * ((tensor.bytes() >> 20) + 1);
      }
      return bytes;
    }

    /** The cache's limit, or what the disk has left with what is there already. */
    private long room() {
      try {
        long free = Files.getFileStore(cacheFolder).getUsableSpace() + store.usedBytes();
        return Math.max(0, Math.min(store.maxBytes(), free));
      } catch (IOException | E2llmException e) {
        LOG.log(Level.FINE, "the room of the cache is not known", e);
        return store.maxBytes();
      }
    }

    @Override
    public void held(List<LayerRange> layers) {
      Holding now = holding;
      if (!now.layers().equals(layers)) {
        holding = new Holding(now.modelId(), now.full(), now.diskBytes(), layers);
        onChange.run();
      }
    }

    @Override
    public void progress(SliceProgress planned, SliceProgress beside) {
      tell(
          new ClusterEvent.SliceProgress(
              planned.doneBytes(), planned.totalBytes(), beside.doneBytes(), beside.totalBytes()));
    }

    @Override
    public void excluded(String peer, String why) {
      tell(
          new ClusterEvent.Problem(
              "peer " + peer + " sent wrong bytes of the model and is not asked again: " + why));
    }

    @Override
    public void failed(E2llmException why) {
      model.completeExceptionally(why);
      tell(new ClusterEvent.Problem(String.valueOf(why.getMessage())));
    }
  }

  private void tell(ClusterEvent event) {
    try {
      events.accept(event);
    } catch (RuntimeException e) { // the app's own code
      LOG.log(Level.WARNING, "a listener to the cluster threw", e);
    }
  }

  /** Ends threads and closes files: engines that read from them must be closed before. */
  @Override
  public void close() {
    SliceExchange here;
    synchronized (this) {
      closed = true;
      here = exchange;
      if (hashing != null) {
        hashing.cancel(false);
      }
    }
    thread.shutdown();
    if (here != null) {
      here.close();
    }
    model.completeExceptionally(new ClusterException("this device has left the cluster"));
  }
}
