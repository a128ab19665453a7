package org.e2llm.transport.slice;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.E2llmException;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelLayout;
import org.e2llm.model.ModelSource;
import org.e2llm.transport.net.Connection;
import org.e2llm.transport.net.Lane;
import org.e2llm.transport.slice.SliceFrames.Kind;
import org.e2llm.transport.wire.FieldReader;
import org.jspecify.annotations.Nullable;

/**
 * Exchanges bytes of one model with peers: serves what is here, fetches what is aimed at.
 *
 * <p>Whoever owns the connections hands on what happens on those of lane BULK ({@link #opened},
 * {@link #received}, {@link #closed}), on the net thread. Two daemon threads do the work that may
 * wait for a disk. Safe for several threads; nothing but {@link #close} blocks.
 */
public final class SliceExchange implements AutoCloseable {
  private static final Logger LOG = Logger.getLogger(SliceExchange.class.getName());
  private static final Kind[] KINDS = Kind.values();

  private final String modelId;
  private final SliceEvents events;
  private final Map<String, Link> links = new ConcurrentHashMap<>();
  private final SliceServer server = new SliceServer(this::unreadable);
  private final @Nullable FullModel full;

  /** Set before anybody else sees this object. */
  private @Nullable SliceFetcher fetcher;

  private SliceExchange(String modelId, SliceEvents events, @Nullable FullModel full) {
    this.modelId = modelId;
    this.events = events;
    this.full = full;
  }

  /**
   * Serves a model that is all here.
   *
   * @param model belongs to the exchange
   */
  public static SliceExchange serving(FullModel model, SliceEvents events) {
    SliceExchange exchange = new SliceExchange(model.manifest().modelId(), events, model);
    exchange.server.serve(model);
    return exchange;
  }

  /**
   * Fetches a model by its id, and serves what it has of it.
   *
   * @param self id of this device, so that devices begin at different places
   * @param layouts how the engine reads a header, as {@code EngineProvider.layout} does
   */
  public static SliceExchange fetching(
      String self,
      String modelId,
      SliceStore store,
      Function<ModelSource, ModelLayout> layouts,
      SliceOptions options,
      SliceEvents events) {
    SliceExchange exchange = new SliceExchange(modelId, events, null);
    SliceFetcher fetcher =
        new SliceFetcher(
            store,
            modelId,
            layouts,
            options,
            self.hashCode() * 0x9e3779b97f4a7c15L,
            exchange.links,
            events,
            exchange.new Here());
    exchange.fetcher = fetcher;
    fetcher.start();
    return exchange;
  }

  /**
   * The model of which a peer says that it has the manifest: what somebody may fetch who does not
   * know any yet. Leaves the payload as it is.
   *
   * @return null if the frame says no such thing
   * @throws org.e2llm.cluster.ProtocolException ends the connection
   */
  public static @Nullable String offered(byte type, ByteBuffer payload) {
    if (type != SliceFrames.HAVE) {
      return null;
    }
    ByteBuffer view = payload.duplicate().order(payload.order());
    SliceFrames.Have have = SliceFrames.readHave(view);
    return have.manifestBytes() > 0 ? have.modelId() : null;
  }

  public String modelId() {
    return modelId;
  }

  /**
   * What this device is to hold from now on; what an earlier aim wanted and this does not is no
   * longer asked for, and stays where it is here.
   *
   * @param plan layers of its stages: as fast as the network allows
   * @param standby layers beside them ({@link Standby}): at a limited rate, afterwards
   * @return completes, on a thread of the exchange, when all of the plan's bytes are here and
   *     verified; with a {@link java.util.concurrent.CancellationException} when another aim or the
   *     end comes first; with a {@link E2llmException} when they cannot be had, {@link
   *     org.e2llm.cluster.CacheFullException} for want of room
   */
  public CompletableFuture<Void> aim(List<LayerRange> plan, List<LayerRange> standby) {
    CompletableFuture<Void> done = new CompletableFuture<>();
    SliceFetcher.Aim aim = new SliceFetcher.Aim(List.copyOf(plan), List.copyOf(standby), done);
    SliceFetcher here = fetcher;
    if (here == null) {
      done.complete(null);
    } else if (!here.post(() -> here.aim(aim))) {
      done.cancel(false);
    }
    return done;
  }

  public SliceStatus status() {
    SliceFetcher here = fetcher;
    SliceProgress nothing = new SliceProgress(0, 0);
    SliceStatus status =
        here != null
            ? here.status()
            : new SliceStatus(nothing, nothing, List.of(), 0, 0, 0, 0, 0, List.of());
    return new SliceStatus(
        status.plan(),
        status.standby(),
        status.withoutHolder(),
        status.leavesFetched(),
        status.bytesFetched(),
        status.bytesRepeated(),
        server.leavesServed(),
        server.bytesServed(),
        status.excluded());
  }

  // ---- connections of lane BULK; on the net thread

  /** A connection is open. If there was another one to the peer, this takes its place. */
  public void opened(Connection connection) {
    if (connection.lane() != Lane.BULK) {
      return;
    }
    Link link = new Link(connection);
    Link before = links.put(link.peer(), link);
    if (before != null) {
      gone(before);
    }
    announce(link);
  }

  /**
   * A frame of the types 0x30-0x3f.
   *
   * @throws org.e2llm.cluster.ProtocolException ends the connection
   */
  public void received(Connection connection, byte type, ByteBuffer payload) {
    Link link = links.get(connection.peer());
    if (link == null || link.connection != connection) {
      return;
    }
    SliceFetcher here = fetcher;
    if (type == SliceFrames.HAVE) {
      SliceFrames.Have have = SliceFrames.readHave(payload);
      if (here != null && have.modelId().equals(modelId)) {
        here.post(() -> here.have(link, have));
      }
      return;
    }
    FieldReader in = new FieldReader(payload);
    long key = Link.key(in.choice("piece.kind", KINDS), in.i32("piece.index"));
    switch (type) {
      case SliceFrames.GET:
        in.end("get");
        server.asked(link, key);
        break;
      case SliceFrames.CANCEL:
        in.end("cancel");
        server.cancelled(link, key);
        break;
      case SliceFrames.PIECE:
        if (here != null && link.settle(key)) {
          here.piece(link, key, payload);
        }
        break;
      case SliceFrames.NOT_HERE:
        in.end("not here");
        if (here != null && link.settle(key)) {
          here.post(() -> here.notHere(link, key));
        }
        break;
      default:
        LOG.log(Level.FINE, "a frame of type {0} is of a later version", type);
    }
  }

  /** A connection is gone. */
  public void closed(Connection connection) {
    Link link = links.get(connection.peer());
    if (link != null && link.connection == connection) {
      links.remove(link.peer(), link);
      gone(link);
    }
  }

  private void gone(Link link) {
    server.closed(link);
    SliceFetcher here = fetcher;
    if (here != null) {
      here.post(() -> here.lost(link.peer()));
    }
  }

  // ---- what is here

  private void announce(Link link) {
    SliceSource here = server.source();
    if (here != null) {
      int manifest = here.manifest().encoded().remaining();
      BitSet leaves = full != null ? null : here.held();
      SliceFrames.Have have = new SliceFrames.Have(modelId, manifest, leaves);
      link.connection.send(SliceFrames.HAVE, SliceFrames.have(have), null);
    }
  }

  private void unreadable(IOException e) {
    for (Link link : links.values()) {
      SliceFrames.Have nothing = new SliceFrames.Have(modelId, 0, new BitSet());
      link.connection.send(SliceFrames.HAVE, SliceFrames.have(nothing), null);
    }
    LOG.log(Level.WARNING, "model " + modelId + " is no longer served", e);
    events.failed(
        new E2llmException(
            "model " + modelId + " is no longer served to peers: " + e.getMessage(), e));
  }

  /** The fetcher's way back. */
  private final class Here implements SliceFetcher.Exchange {
    @Override
    public void opened(StoredModel model) {
      server.serve(model);
      announce();
    }

    @Override
    public void announce() {
      links.values().forEach(SliceExchange.this::announce);
    }
  }

  /**
   * Ends the threads and closes the files: engines that read from them must be closed before. The
   * connections stay open.
   */
  @Override
  public void close() {
    server.close();
    if (fetcher != null) {
      fetcher.close();
    }
    if (full != null) {
      full.close();
    }
  }
}
