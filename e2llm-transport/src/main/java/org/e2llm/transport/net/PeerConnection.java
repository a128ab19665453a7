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
import org.e2llm.transport.wire.FrameHeader;
import org.e2llm.transport.wire.FrameLimits;
import org.e2llm.transport.wire.FrameReader;
import org.e2llm.transport.wire.FrameType;
import org.jspecify.annotations.Nullable;

/**
 * One connection through its life: TCP, TLS, proof, open, farewell. All but the methods of {@link
 * Connection} runs on the net thread.
 */
final class PeerConnection
    implements Connection, NetLoop.Handler, Survivors.Contender, Handshake.Out {
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
  private final SocketChannel channel;
  private final InetSocketAddress remote;
  private final Outbound outbound;
  private final Counters counters;

  /** Null where the other side has dialled. */
  private final @Nullable CompletableFuture<Connection> dialling;

  private final long dial;
  private @Nullable SelectionKey key;
  private State state;

  /** Until when {@link #state} may last; of no meaning while it is open. */
  private long deadline;

  private @Nullable TlsChannel tls;
  private @Nullable FrameReader frames;
  private @Nullable Handshake handshake;
  private @Nullable Greeting theirs;
  private @Nullable Pulse pulse;
  private boolean taskRuns;
  private boolean wasOpened;
  private boolean saidFarewell;
  private @Nullable ClusterException why;
  private long trimAt;

  /** When {@link #onTime} has something to do again. */
  private long nextAt;

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
    this.channel = channel;
    this.remote = remote;
    this.dialling = dialling;
    this.lane = lane;
    this.dial = dial;
    long now = System.nanoTime();
    this.counters = new Counters(now);
    this.outbound = new Outbound(loop, options.maxQueuedBytes(), counters, this::sendingFailed);
    this.state = dialling == null ? State.PROVING : State.CONNECTING;
    Duration first = dialling == null ? options.proofTimeout() : options.connectTimeout();
    this.deadline = now + first.toNanos();
  }

  /** Dials, or waits for the other side to begin. */
  void start() {
    guarded(
        () -> {
          if (dialling == null) {
            key = loop.add(channel, SelectionKey.OP_READ, this);
          } else {
            boolean connected = connect();
            key = loop.add(channel, SelectionKey.OP_CONNECT, this);
            if (connected) {
              advance();
            }
          }
        });
  }

  private boolean connect() throws IOException {
    try {
      return channel.connect(remote);
    } catch (IllegalArgumentException e) {
      throw new IOException("this system knows no such kind of address", e);
    }
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
  public void ready(SelectionKey ready) {
    guarded(this::advance);
  }

  @Override
  public long beforeWait(long now) {
    if (state == State.CLOSED) {
      return Long.MAX_VALUE;
    }
    nextAt = now + options.linger().toNanos();
    guarded(() -> onTime(now));
    return state == State.CLOSED ? Long.MAX_VALUE : nextAt - now;
  }

  /** Sets {@link #nextAt}, and flushes what others have queued. */
  private void onTime(long now) throws IOException {
    if (state == State.OPEN && pulse != null && frames != null) {
      if (trimAt - now <= 0) {
        frames.trim();
        trimAt = now + TRIM_NANOS;
      }
      nextAt = now + Math.min(pulse.onTime(now), trimAt - now);
    } else {
      nextAt = deadline;
      if (deadline - now <= 0) {
        end(new UnreachableException(timeout()));
        return;
      }
    }
    if (outbound.flushWanted() && !taskRuns && tls != null) {
      flush(tls);
    }
  }

  private String timeout() {
    if (state == State.CONNECTING) {
      return remote + " did not answer within " + options.connectTimeout().toMillis() + " ms";
    }
    return remote
        + " was connected, but did not get through TLS and the proof of the secret within "
        + options.proofTimeout().toMillis()
        + " ms";
  }

  /** Whatever goes wrong ends this connection and no other. */
  private void guarded(Step step) {
    try {
      step.run();
    } catch (E2llmException e) {
      fail(e instanceof ClusterException ? (ClusterException) e : lost(e));
    } catch (IOException e) {
      if (tls != null && e instanceof SSLException) {
        sayGoodbye(tls);
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

  // ---- TCP and TLS

  private void advance() throws IOException {
    if (state == State.CONNECTING) {
      channel.finishConnect();
      state = State.PROVING;
      deadline = System.nanoTime() + options.proofTimeout().toNanos();
    }
    if (state == State.CLOSED || taskRuns) {
      return;
    }
    TlsChannel records = tls;
    if (records == null) {
      // Not before the first byte has arrived: who only connects costs next to nothing.
      records = new TlsChannel(channel, endpoint.tls().engine(dialling != null), counters);
      tls = records;
      frames = new FrameReader(FrameLimits.unproven(), records.plaintextSize());
    }
    records.readable();
    if (state == State.LEAVING) {
      leaveOn(records);
    } else {
      flush(records);
      readAll(records);
    }
  }

  private void readAll(TlsChannel records) throws IOException {
    FrameReader reader = requireNonNull(frames);
    while (state == State.PROVING || state == State.OPEN) {
      TlsChannel.Read read = records.read(reader.space());
      if (handshake == null && !records.handshaking()) {
        startProof(records);
      }
      switch (read) {
        case DATA:
          while ((state == State.PROVING || state == State.OPEN) && reader.next()) {
            counters.frame(FrameHeader.BYTES + reader.payload().remaining());
            received(reader.type(), reader.payload());
          }
          break;
        case WRITE:
          if (!flush(records)) {
            return;
          }
          break;
        case TASK:
          runTask(records);
          return;
        case EMPTY:
          return;
        case END:
          throw new IOException("the other side ended the connection");
      }
    }
  }

  private void runTask(TlsChannel records) {
    taskRuns = true;
    interest(0);
    loop.executeSlow(
        () -> {
          records.task();
          loop.execute(
              () -> {
                taskRuns = false;
                if (state != State.CLOSED) {
                  interest(SelectionKey.OP_READ);
                  guarded(this::advance);
                }
              });
        });
  }

  /** True if everything is written. Otherwise goes on when the socket takes more. */
  private boolean flush(TlsChannel records) throws IOException {
    boolean all = outbound.flush(records);
    if (state == State.CLOSED) {
      return false;
    }
    interest(all ? SelectionKey.OP_READ : SelectionKey.OP_READ | SelectionKey.OP_WRITE);
    if (all && state == State.LEAVING && !saidFarewell) {
      sayGoodbye(records);
    }
    return all;
  }

  private void interest(int operations) {
    if (key != null && key.interestOps() != operations) {
      key.interestOps(operations);
    }
  }

  // ---- proof

  private void startProof(TlsChannel records) throws IOException {
    byte[] shown = records.peerFingerprint();
    Handshake proof =
        new Handshake(
            endpoint.secret(),
            dialling != null,
            endpoint.identity().fingerprint(),
            shown,
            endpoint.greeting(lane, dial),
            endpoint.random());
    handshake = proof;
    peer = proof.peer();
    if (peer.equals(endpoint.identity().id())) {
      throw new UnreachableException(remote + " leads back to this peer itself");
    }
    proof.start(this);
  }

  @Override
  public void send(byte type, ByteBuffer payload) {
    outbound.send(type, payload, null);
  }

  private void received(byte type, ByteBuffer payload) {
    if (state == State.OPEN) {
      receivedOpen(type, payload);
      return;
    }
    Greeting greeting = requireNonNull(handshake).received(type, payload, this);
    if (greeting != null) {
      greeted(greeting);
    }
  }

  private void greeted(Greeting greeting) {
    theirs = greeting;
    if (dialling == null) {
      lane = greeting.lane();
    }
    Hello mine = endpoint.greeting(lane, dial).hello();
    Refusal refusal = endpoint.refusal(this, mine, greeting.hello());
    if (refusal != null) {
      FieldWriter out = new FieldWriter(256);
      refusal.write(out);
      outbound.last(FrameType.REFUSED, out.payload());
      leave(refusal.toException(true));
      return;
    }
    version = Refusal.commonVersion(mine, greeting.hello());
    if (dialling == null) {
      FieldWriter out = new FieldWriter(512);
      endpoint.greeting(lane, 0).write(out);
      send(FrameType.HELLO, out.payload());
    }
    open(greeting.hello());
  }

  private void open(Hello hello) {
    state = State.OPEN;
    wasOpened = true;
    trimAt = System.nanoTime() + TRIM_NANOS;
    pulse = new Pulse(outbound, counters, options.heartbeat().toNanos(), lane);
    if (frames != null && tls != null) {
      frames.limits(options.limits());
      outbound.open(tls);
    }
    endpoint.opened(this, hello);
    if (dialling != null) {
      dialling.complete(this);
    }
  }

  // ---- open

  private void receivedOpen(byte type, ByteBuffer payload) {
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
    return state == State.OPEN && pulse != null
        ? pulse.measure()
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
      outbound.leave();
      why = reason;
      deadline = System.nanoTime() + options.linger().toNanos();
      endpoint.leaving(this);
      loop.wakeup();
    }
  }

  private void leaveOn(TlsChannel records) throws IOException {
    if (flush(records) && records.discard()) {
      end(null);
    }
  }

  /** TLS close_notify or alert, then FIN: unlike a reset it does not destroy what is under way. */
  private void sayGoodbye(TlsChannel records) {
    saidFarewell = true;
    try {
      outbound.farewell(records);
      channel.shutdownOutput();
    } catch (IOException e) {
      LOG.log(Level.FINE, "no farewell to " + this, e);
    }
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
    try {
      channel.close();
    } catch (IOException e) {
      LOG.log(Level.FINE, "closing a socket failed", e);
    }
    outbound.drop();
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
    String what = cause.getMessage() == null ? cause.toString() : cause.getMessage();
    if (wasOpened) {
      return new ConnectionLostException("The connection to " + this + " was lost: " + what, cause);
    }
    if (state == State.CONNECTING) {
      return new UnreachableException(remote + " cannot be reached: " + what, cause);
    }
    return new UnreachableException(
        remote + " was connected, but no peer of this cluster proved itself there: " + what, cause);
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
