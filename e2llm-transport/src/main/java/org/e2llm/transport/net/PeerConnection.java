package org.e2llm.transport.net;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.logging.Level;
import java.util.logging.Logger;
import javax.net.ssl.SSLException;
import org.e2llm.E2llmException;
import org.e2llm.cluster.ClusterException;
import org.e2llm.cluster.ConnectionClosedException;
import org.e2llm.cluster.ConnectionLostException;
import org.e2llm.cluster.UnreachableException;
import org.e2llm.transport.wire.FieldReader;
import org.e2llm.transport.wire.FieldWriter;
import org.e2llm.transport.wire.FrameType;
import org.jspecify.annotations.Nullable;

/**
 * One connection through its life: TCP, TLS, proof, open, farewell. All but the methods of {@link
 * Connection} runs on the net thread.
 */
final class PeerConnection
    implements Connection, NetLoop.Handler, FrameLink.Owner, Survivors.Contender {
  private enum State {
    /** TCP; only where this side has dialled. */
    CONNECTING,
    /** TLS, proof and hello. */
    PROVING,
    OPEN,
    /** Says farewell and waits for the other side to have read it. */
    LEAVING,
    CLOSED
  }

  private static final Logger LOG = Logger.getLogger(PeerConnection.class.getName());
  private static final long TRIM_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final Endpoint endpoint;
  private final NetLoop loop;
  private final EndpointOptions options;
  private final InetSocketAddress remote;
  private final Outbound outbound;
  private final FrameLink link;
  private final Counters counters;
  private final ConnectionErrors errors;

  /** Null where the other side has dialled. */
  private final @Nullable CompletableFuture<Connection> dialling;

  private final long dial;
  private State state;

  /** Until when {@link #state} may last; of no meaning while it is open. */
  private long deadline;

  private @Nullable Opening opening;
  private @Nullable Greeting theirs;
  private @Nullable Pulse pulse;
  private boolean wasOpened;
  private @Nullable ClusterException why;
  private long trimAt;

  /** When {@link #onTime} has something to do again. */
  private long nextAt;

  // Kept, so that none is made each time.
  private final Step ready;
  private final Step onTime = this::onTime;

  private volatile String peer = "";
  private volatile Lane lane;
  private volatile int version;

  /**
   * Does nothing before {@link #start}.
   *
   * @param channel non-blocking; owned from here on
   * @param dialling null where the other side has dialled; then lane and dial are not yet known
   */
  PeerConnection(
      Endpoint endpoint,
      SocketChannel channel,
      InetSocketAddress remote,
      @Nullable CompletableFuture<Connection> dialling,
      Lane lane,
      long dial) {
    this.endpoint = endpoint;
    this.loop = endpoint.loop();
    this.options = endpoint.options();
    this.remote = remote;
    this.dialling = dialling;
    this.lane = lane;
    this.dial = dial;
    long now = System.nanoTime();
    this.counters = new Counters(now);
    this.errors = new ConnectionErrors(remote, options);
    this.outbound = new Outbound(loop, options.maxQueuedBytes(), counters, this::sendingFailed);
    this.link =
        new FrameLink(
            loop, channel, outbound, counters, () -> endpoint.tls().engine(dialled()), this);
    this.ready = link::ready;
    this.state = dialling == null ? State.PROVING : State.CONNECTING;
    Duration first = dialling == null ? options.proofTimeout() : options.connectTimeout();
    this.deadline = now + first.toNanos();
  }

  /** Dials, or waits for the other side to begin. */
  void start() {
    guarded(
        () -> {
          if (dialling == null) {
            link.accept(this);
          } else {
            link.dial(remote, this);
          }
        });
  }

  // ---- from any thread

  @Override
  public String peer() {
    return peer;
  }

  @Override
  public Lane lane() {
    return lane;
  }

  @Override
  public InetSocketAddress remote() {
    return remote;
  }

  @Override
  public int version() {
    return version;
  }

  @Override
  public boolean send(byte type, ByteBuffer payload, @Nullable Runnable released) {
    int limit = options.limits().of(type & 0xff);
    if (type < FrameType.CLUSTER_FIRST || payload.remaining() > limit) {
      throw new IllegalArgumentException(
          "a frame of type "
              + FrameType.name(type)
              + " and "
              + payload.remaining()
              + " bytes cannot be sent: allowed are types from 0x10 on and "
              + limit
              + " bytes");
    }
    return outbound.send(type, payload, released);
  }

  @Override
  public long queuedBytes() {
    return outbound.queuedBytes();
  }

  @Override
  public ConnectionStats stats() {
    return counters.snapshot();
  }

  @Override
  public void close(String reason) {
    sayBye(reason);
    loop.execute(() -> leave(new ConnectionClosedException(false, reason)));
  }

  private void sayBye(String reason) {
    outbound.last(FrameType.BYE, new FieldWriter(64).shortened(reason).payload());
  }

  // ---- what the loop calls

  @Override
  public void ready(SelectionKey key) {
    guarded(ready);
  }

  @Override
  public void goOn() {
    guarded(ready);
  }

  @Override
  public long beforeWait(long now) {
    if (state == State.CLOSED) {
      return Long.MAX_VALUE;
    }
    guarded(onTime);
    return state == State.CLOSED ? Long.MAX_VALUE : nextAt - now;
  }

  /** Sets {@link #nextAt}, and flushes what others have queued. */
  private void onTime() throws IOException {
    long now = System.nanoTime();
    nextAt = deadline;
    if (state == State.OPEN && pulse != null) {
      if (trimAt - now <= 0) {
        link.trim();
        trimAt = now + TRIM_NANOS;
      }
      nextAt = now + Math.min(pulse.onTime(now), trimAt - now);
    } else if (deadline - now <= 0) {
      end(errors.timeout(state == State.CONNECTING));
    }
    link.flushIfWanted();
  }

  /** Whatever goes wrong ends this connection and no other. */
  private void guarded(Step step) {
    try {
      step.run();
    } catch (E2llmException e) {
      fail(e instanceof ClusterException ? (ClusterException) e : lost(e));
    } catch (IOException e) {
      if (e instanceof SSLException) {
        link.sayFarewell();
      }
      end(lost(e));
    } catch (RuntimeException | Error e) {
      LOG.log(Level.WARNING, "unexpected failure of the connection to " + this, e);
      end(lost(e));
    }
  }

  private interface Step {
    void run() throws IOException;
  }

  // ---- TCP, TLS, proof

  @Override
  public void connected() {
    state = State.PROVING;
    deadline = System.nanoTime() + options.proofTimeout().toNanos();
  }

  @Override
  public void secured(byte[] fingerprint) {
    Opening begun = new Opening(endpoint, this, dial, outbound, fingerprint);
    opening = begun;
    peer = begun.peer();
    if (peer.equals(endpoint.identity().id())) {
      throw new UnreachableException(remote + " leads back to this peer itself");
    }
    begun.start();
  }

  @Override
  public void frame(byte type, ByteBuffer payload) {
    if (state == State.OPEN) {
      received(type, payload);
      return;
    }
    Greeting greeting = requireNonNull(opening).received(type, payload);
    if (greeting == null) {
      return;
    }
    theirs = greeting;
    if (!dialled()) {
      lane = greeting.lane();
    }
    Refusal refusal = requireNonNull(opening).answer(greeting);
    if (refusal != null) {
      leave(refusal.toException(true));
    } else {
      version = requireNonNull(opening).version(greeting);
      open(greeting.hello());
    }
  }

  private void open(Hello hello) {
    state = State.OPEN;
    wasOpened = true;
    trimAt = System.nanoTime() + TRIM_NANOS;
    int timeout = (int) options.connectTimeout().toMillis();
    DialBack back =
        new DialBack(outbound, loop, remote.getAddress(), timeout, endpoint.dialsBack());
    pulse = new Pulse(outbound, counters, options.heartbeat().toNanos(), lane, back);
    link.proven(options.limits(), lane);
    endpoint.opened(this, hello);
    if (dialling != null) {
      dialling.complete(this);
    }
  }

  // ---- open

  private void received(byte type, ByteBuffer payload) {
    switch (type) {
      case FrameType.BYE:
        end(new ConnectionClosedException(true, new FieldReader(payload).string("bye")));
        break;
      case FrameType.REFUSED:
        end(Refusal.read(new FieldReader(payload)).toException(false));
        break;
      default:
        if (pulse == null || !pulse.received(type, payload)) {
          endpoint.listener().received(this, type, payload);
        }
    }
  }

  CompletableFuture<LinkEstimate> measure() {
    return ask(Pulse::measure);
  }

  CompletableFuture<DialBack.Result> dialBack(int port) {
    return ask(open -> open.dialBack(port));
  }

  private <T> CompletableFuture<T> ask(Function<Pulse, CompletableFuture<T>> question) {
    return state == State.OPEN && pulse != null
        ? question.apply(pulse)
        : CompletableFuture.failedFuture(
            new ConnectionLostException("The connection to " + this + " is not open"));
  }

  // ---- the end

  /** An error that the other side may be told, if it has proven itself. */
  private void fail(ClusterException error) {
    if (state == State.OPEN) {
      sayBye(String.valueOf(error.getMessage()));
      leave(error);
    } else {
      end(error);
    }
  }

  /** The last frame is queued: sends it if that is possible, then ends. */
  void leave(ClusterException reason) {
    if (state == State.CONNECTING || (state == State.PROVING && theirs == null)) {
      end(reason);
    } else if (state == State.OPEN || state == State.PROVING) {
      state = State.LEAVING;
      why = reason;
      deadline = System.nanoTime() + options.linger().toNanos();
      endpoint.leaving(this);
      link.leave();
    }
  }

  @Override
  public void left() {
    end(null);
  }

  /** Now. {@code reason} counts unless an earlier one is known. */
  void end(@Nullable ClusterException reason) {
    if (state == State.CLOSED) {
      return;
    }
    ClusterException cause = why != null ? why : reason;
    if (cause == null) {
      cause = new ConnectionLostException("The connection to " + this + " is gone");
    }
    state = State.CLOSED;
    loop.remove(this);
    link.close();
    if (pulse != null) {
      pulse.end(cause);
    }
    endpoint.ended(this, wasOpened, cause);
    if (dialling != null) {
      Connection survivor = wasOpened ? null : endpoint.survivor(this);
      if (survivor != null && cause instanceof ConnectionClosedException) {
        dialling.complete(survivor);
      } else {
        dialling.completeExceptionally(cause);
      }
    }
  }

  private void sendingFailed(Exception cause) {
    end(cause instanceof ClusterException ? (ClusterException) cause : lost(cause));
  }

  private ClusterException lost(Throwable cause) {
    return wasOpened
        ? errors.lost(this, cause)
        : errors.unreachable(state == State.CONNECTING, cause);
  }

  // ---- contender

  @Override
  public boolean dialled() {
    return dialling != null;
  }

  @Override
  public long instance() {
    return theirs == null ? 0 : theirs.instance();
  }

  @Override
  public long dial() {
    return dialling != null ? dial : theirs == null ? 0 : theirs.dial();
  }

  @Override
  public String toString() {
    return lane + " to " + (peer.isEmpty() ? "a stranger" : peer) + " at " + remote;
  }
}
