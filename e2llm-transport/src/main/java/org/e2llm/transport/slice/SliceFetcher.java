package org.e2llm.transport.slice;

import java.io.IOException;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.E2llmException;
import org.e2llm.cluster.ProtocolException;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelLayout;
import org.e2llm.model.ModelSource;
import org.e2llm.transport.slice.SliceFrames.Kind;
import org.jspecify.annotations.Nullable;

/**
 * Drives {@link ManifestFetch}, then {@link SliceFetch}, over the links to peers; verifies and
 * writes what comes. All of that on one daemon thread, to which everything is handed by {@link
 * #post}; so only it waits for the disk, and the net thread never does.
 */
final class SliceFetcher implements SliceFetch.Requests, ManifestFetch.Requests {
  static final String THREAD_NAME = "e2llm-slice-fetch";

  private static final Logger LOG = Logger.getLogger(SliceFetcher.class.getName());
  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
  private static final long REPORT_EVERY = SECOND / 4;

  /** What the fetcher needs of the exchange around it. */
  interface Exchange {
    /** The model is there, and may be served. */
    void opened(StoredModel model);

    /** All peers should hear what is here now. */
    void announce();
  }

  private final SliceStore store;
  private final Function<ModelSource, ModelLayout> layouts;
  private final SliceOptions options;
  private final long seed;
  private final Map<String, Link> links;
  private final SliceEvents events;
  private final Exchange exchange;
  private final Mailbox mailbox = new Mailbox();

  /** Free ones; no more than were ever in flight at a time. Guarded by itself. */
  private final ArrayDeque<Piece> pieces = new ArrayDeque<>();

  private final Thread thread = new Thread(this::run, THREAD_NAME);
  private final AtomicBoolean syncing = new AtomicBoolean();
  private final String modelId;
  private volatile SliceStatus status =
      new SliceStatus(
          new SliceProgress(0, 0), new SliceProgress(0, 0), List.of(), 0, 0, 0, 0, 0, List.of());

  // Belonging to the thread.
  private final ManifestFetch manifests;

  /** With what progress was reported last. */
  private SliceStatus told = status;

  private final List<String> excluded = new ArrayList<>();

  /**
   * Whose announcement was taken in. A newer connection to a peer is not asked before the end of
   * the older one was: what it then brought would be asked for again.
   */
  private final Map<String, Link> sources = new HashMap<>();

  private @Nullable StoredModel model;
  private @Nullable StoredLayers layers;
  private @Nullable SliceFetch fetch;
  private @Nullable Aim aim;
  private long leavesFetched;
  private long bytesFetched;
  private long bytesRepeated;
  private long reported;
  private long announced;
  private long announcedLeaves = -1;
  private long refreshed;

  /** What is wanted, and who waits for it. */
  record Aim(List<LayerRange> plan, List<LayerRange> standby, CompletableFuture<Void> done) {}

  /**
   * @param links by peer, kept up by the exchange
   */
  SliceFetcher(
      SliceStore store,
      String modelId,
      Function<ModelSource, ModelLayout> layouts,
      SliceOptions options,
      long seed,
      Map<String, Link> links,
      SliceEvents events,
      Exchange exchange) {
    this.store = store;
    this.modelId = modelId;
    this.layouts = layouts;
    this.options = options;
    this.seed = seed;
    this.links = links;
    this.events = events;
    this.exchange = exchange;
    this.manifests = new ManifestFetch(modelId, options.timeout().toNanos());
    thread.setDaemon(true);
  }

  void start() {
    post(this::openFromCache);
    thread.start();
  }

  // ---- from any thread

  /** Has work done on the thread; forgotten once it is closed. */
  boolean post(Runnable work) {
    return mailbox.put(work);
  }

  /** A piece that was asked for, on the net thread; {@code data} is lent. */
  void piece(Link link, long key, ByteBuffer data) {
    if (data.remaining() > Merkle.LEAF_BYTES) {
      throw new ProtocolException("piece of " + data.remaining() + " bytes, allowed is 1 MiB");
    }
    Piece piece = take();
    piece.link = link;
    piece.key = key;
    piece.bytes.put(data);
    ((Buffer) piece.bytes).flip();
    post(piece);
  }

  private Piece take() {
    Piece piece;
    synchronized (pieces) {
      piece = pieces.poll();
    }
    piece = piece == null ? new Piece() : piece;
    ((Buffer) piece.bytes).clear();
    return piece;
  }

  /** A piece that came and waits for its turn; used again and again. */
  private final class Piece implements Runnable {
    /** Direct: it is written to a file without a copy in between. */
    final ByteBuffer bytes = ByteBuffer.allocateDirect(Merkle.LEAF_BYTES);

    @Nullable Link link;
    long key;

    @Override
    public void run() {
      Link from = link;
      try {
        if (from != null) {
          arrived(from, key, bytes);
        }
      } finally {
        link = null;
        synchronized (pieces) {
          pieces.push(this);
        }
      }
    }
  }

  SliceStatus status() {
    return status;
  }

  /** Ends the thread and, if it has ended, the model. */
  void close() {
    mailbox.close();
    boolean ended = Threads.join(thread);
    StoredModel open = model;
    if (ended && open != null) {
      open.close();
    }
    Aim last = aim;
    if (last != null) {
      last.done().completeExceptionally(new CancellationException("the exchange is closed"));
    }
  }

  // ---- on the thread

  private void run() {
    try {
      while (!mailbox.isClosed()) {
        Runnable work = mailbox.take(patience());
        try {
          if (work != null) {
            work.run();
          }
          goOn(System.nanoTime());
        } catch (IOException | RuntimeException e) {
          fail(e);
        }
      }
    } catch (InterruptedException e) {
      LOG.log(Level.FINE, "interrupted", e);
    }
  }

  private long patience() {
    boolean idle = fetch != null && fetch.isIdle() && announcedLeaves == heldLeaves();
    return idle ? SECOND : SliceFetch.TICK;
  }

  private void goOn(long now) throws IOException {
    StoredModel stored = model;
    SliceFetch decider = fetch;
    if (stored == null || decider == null) {
      manifests.decide(now, this);
      return;
    }
    if (!decider.isIdle() && now - refreshed > SECOND) {
      refreshed = now;
      stored.refresh();
      decider.found(stored.held());
    }
    decider.decide(now, this);
    if (stored.wantsSync(decider.isIdle())) {
      sync(stored);
    }
    Aim current = aim;
    boolean finished = current != null && decider.isComplete() && !current.done().isDone();
    report(decider, now, finished);
    if (current != null && finished) {
      current.done().complete(null);
    }
  }

  /** On a thread of its own: a disk may take seconds, and the network should not wait for it. */
  private void sync(StoredModel stored) {
    if (syncing.compareAndSet(false, true)) {
      Thread writer =
          new Thread(
              () -> {
                try {
                  stored.sync();
                } catch (IOException e) {
                  LOG.log(Level.FINE, "leaves were not forced to disk", e);
                } finally {
                  syncing.set(false);
                }
              },
              "e2llm-slice-sync");
      writer.setDaemon(true);
      writer.start();
    }
  }

  private void report(SliceFetch decider, long now, boolean atOnce) {
    long held = heldLeaves();
    if (held != announcedLeaves && (now - announced > REPORT_EVERY || decider.isIdle())) {
      announced = now;
      announcedLeaves = held;
      exchange.announce();
      if (layers != null) {
        events.held(layers.held());
      }
    }
    if (atOnce || now - reported > REPORT_EVERY) {
      reported = now;
      refreshStatus(decider);
      SliceStatus last = told;
      if (!last.plan().equals(status.plan()) || !last.standby().equals(status.standby())) {
        told = status;
        events.progress(told.plan(), told.standby());
      }
    }
  }

  private void refreshStatus(SliceFetch decider) {
    status =
        new SliceStatus(
            decider.progress(),
            decider.standbyProgress(),
            layers == null ? List.of() : layers.of(decider.withoutHolder()),
            leavesFetched,
            bytesFetched,
            bytesRepeated,
            0,
            0,
            excluded);
  }

  private long heldLeaves() {
    StoredModel stored = model;
    return stored == null ? -1 : stored.heldCount();
  }

  // ---- the model

  private void openFromCache() {
    StoredModel found = store.find(modelId);
    if (found != null) {
      open(found);
    }
  }

  private void open(StoredModel stored) {
    ModelLayout known;
    try {
      known = layouts.apply(stored.source());
      stored.manifest().check(known);
    } catch (RuntimeException e) {
      stored.close();
      throw e;
    }
    model = stored;
    layers = new StoredLayers(stored, known);
    BitSet hashes = stored.hashes().known();
    SliceFetch decider =
        new SliceFetch(stored.manifest().leaves(), stored.held(), hashes, options, seed);
    fetch = decider;
    exchange.opened(stored);
    events.ready(stored.source(), known);
    for (Link link : links.values()) {
      announced(link);
    }
    Aim waiting = aim;
    if (waiting != null) {
      aim(waiting);
    }
  }

  // ---- events of peers

  void have(Link link, SliceFrames.Have have) {
    link.have = have;
    sources.put(link.peer(), link);
    manifests.announced(link.peer(), have.manifestBytes());
    announced(link);
  }

  private void announced(Link link) {
    SliceFetch decider = fetch;
    StoredModel stored = model;
    SliceFrames.Have have = link.have;
    if (decider == null || stored == null || have == null) {
      return;
    }
    try {
      BitSet holds = have.of(stored.manifest().leaves().count());
      decider.announced(link.peer(), holds, System.nanoTime());
    } catch (ProtocolException e) {
      link.connection.close(String.valueOf(e.getMessage()));
    }
  }

  void lost(String peer) {
    sources.remove(peer);
    manifests.lost(peer);
    if (fetch != null) {
      fetch.lost(peer);
    }
  }

  void notHere(Link link, long key) {
    long now = System.nanoTime();
    if (Link.kind(key) == Kind.MANIFEST) {
      manifests.lost(link.peer());
    } else if (fetch != null && Link.kind(key) == Kind.HASHES) {
      fetch.hashesAreNotThere(link.peer(), Link.index(key), now);
    } else if (fetch != null) {
      fetch.leafIsNotThere(link.peer(), Link.index(key), now);
    }
  }

  private void arrived(Link link, long key, ByteBuffer data) {
    try {
      switch (Link.kind(key)) {
        case MANIFEST -> manifestArrived(link, Link.index(key), data);
        case HASHES -> hashesArrived(link, Link.index(key), data);
        default -> leafArrived(link, Link.index(key), data);
      }
    } catch (IOException e) {
      fail(e);
    }
  }

  private void manifestArrived(Link link, int piece, ByteBuffer data) {
    if (model != null) {
      return;
    }
    String why = manifests.arrived(link.peer(), piece, data, System.nanoTime());
    if (why != null) {
      exclude(link, why);
    }
    Manifest manifest = manifests.manifest();
    if (manifest != null) {
      open(store.open(manifest));
    }
  }

  private void hashesArrived(Link link, int tensor, ByteBuffer data) throws IOException {
    StoredModel stored = model;
    SliceFetch decider = fetch;
    if (stored == null || decider == null) {
      return;
    }
    if (stored.offerHashes(tensor, data)) {
      decider.hashesArrived(link.peer(), tensor, System.nanoTime());
    } else {
      exclude(link, "the leaves' hashes it sent for tensor " + tensor + " are wrong");
    }
  }

  private void leafArrived(Link link, int leaf, ByteBuffer data) throws IOException {
    StoredModel stored = model;
    SliceFetch decider = fetch;
    if (stored == null || decider == null || decider.isExcluded(link.peer())) {
      return;
    }
    int bytes = data.remaining();
    boolean repeated = stored.holds(leaf);
    if (!stored.offer(leaf, data)) {
      exclude(link, "leaf " + leaf + " that it sent is wrong");
      return;
    }
    leavesFetched++;
    bytesFetched += bytes;
    bytesRepeated += repeated ? bytes : 0;
    decider.arrived(link.peer(), leaf, System.nanoTime());
  }

  private void exclude(Link link, String why) {
    LOG.log(Level.WARNING, "peer {0} is not asked again: {1}", new Object[] {link.peer(), why});
    excluded.add(link.peer());
    if (fetch != null) {
      fetch.exclude(link.peer());
    }
    events.excluded(link.peer(), why);
  }

  // ---- aims

  void aim(Aim next) {
    Aim before = aim;
    aim = next;
    if (before != null && before != next) {
      before.done().completeExceptionally(new CancellationException("another plan came"));
    }
    StoredModel stored = model;
    SliceFetch decider = fetch;
    StoredLayers known = layers;
    if (stored == null || decider == null || known == null) {
      Manifest manifest = manifests.manifest();
      if (manifest != null) {
        open(store.open(manifest)); // It failed before; now there may be room.
      }
      return;
    }
    try {
      stored.refresh();
      BitSet held = stored.held();
      decider.found(held);
      Leaves leaves = stored.manifest().leaves();
      BitSet plan = known.needed(next.plan());
      BitSet standby = known.needed(next.standby());
      standby.andNot(plan);
      long planMissing = missing(leaves, plan, held);
      store.reserve(stored, planMissing);
      decider.aim(
          plan,
          roomFor(stored, planMissing, missing(leaves, standby, held)) ? standby : new BitSet());
      refreshStatus(decider);
    } catch (IOException | RuntimeException e) {
      fail(e);
    }
  }

  private static long missing(Leaves leaves, BitSet wanted, BitSet held) {
    BitSet missing = (BitSet) wanted.clone();
    missing.andNot(held);
    return leaves.bytes(missing);
  }

  /** Standby is a favour: where there is no room for it, the plan goes on without. */
  private boolean roomFor(StoredModel stored, long planMissing, long standbyMissing) {
    try {
      if (standbyMissing > 0) {
        store.reserve(stored, planMissing + standbyMissing);
      }
      return true;
    } catch (E2llmException e) {
      LOG.log(Level.CONFIG, "no leaves are kept beside the plan: {0}", e.getMessage());
      return false;
    }
  }

  /** What was wanted cannot be had. */
  private void fail(Exception e) {
    E2llmException why =
        e instanceof E2llmException
            ? (E2llmException) e
            : new E2llmException("bytes of model " + modelId + " cannot be fetched: " + e, e);
    SliceFetch decider = fetch;
    StoredModel stored = model;
    if (e instanceof IOException && decider != null && stored != null) {
      SliceProgress plan = decider.progress();
      try {
        store.reserve(stored, plan.totalBytes() - plan.doneBytes());
      } catch (E2llmException full) {
        why = full;
      }
    }
    if (decider != null) {
      decider.aim(new BitSet(), new BitSet());
    }
    Aim failed = aim;
    aim = null;
    LOG.log(Level.WARNING, "bytes of a model cannot be fetched", why);
    if (failed != null) {
      failed.done().completeExceptionally(why);
    }
    events.failed(why);
  }

  // ---- what is decided

  @Override
  public void askManifest(String peer, int piece) {
    ask(peer, Kind.MANIFEST, piece);
  }

  @Override
  public void askHashes(String peer, int tensor) {
    ask(peer, Kind.HASHES, tensor);
  }

  @Override
  public void askLeaf(String peer, int leaf) {
    ask(peer, Kind.LEAF, leaf);
  }

  @Override
  public void cancelLeaf(String peer, int leaf) {
    cancel(peer, Kind.LEAF, leaf);
  }

  @Override
  public void cancelHashes(String peer, int tensor) {
    cancel(peer, Kind.HASHES, tensor);
  }

  private void cancel(String peer, Kind kind, int index) {
    Link link = sources.get(peer);
    if (link != null) {
      link.cancel(kind, index);
    }
  }

  private void ask(String peer, Kind kind, int index) {
    Link link = sources.get(peer);
    if (link != null) {
      link.ask(kind, index);
    }
  }
}
