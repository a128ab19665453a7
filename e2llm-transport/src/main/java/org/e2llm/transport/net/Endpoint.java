package org.e2llm.transport.net;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.SocketChannel;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.cluster.ClusterException;
import org.e2llm.cluster.ConnectionClosedException;
import org.e2llm.cluster.Secret;
import org.e2llm.cluster.UnreachableException;
import org.e2llm.transport.trust.Identity;
import org.e2llm.transport.trust.PeerTls;
import org.jspecify.annotations.Nullable;

/**
 * Where a peer's connections begin and end: accepts them, dials them, and hands their frames to one
 * listener. One daemon thread, {@code e2llm-net}, does it all; two more run parts of TLS handshakes
 * while there are any.
 *
 * <p>Safe for several threads; no method blocks but {@link #open}, which binds sockets. Per peer
 * and lane one connection survives, whoever dialled ({@link Survivors} has the rule).
 */
public final class Endpoint implements AutoCloseable {
  private static final Logger LOG = Logger.getLogger(Endpoint.class.getName());

  private final EndpointOptions options;
  private final Identity identity;
  private final Secret secret;
  private final ConnectionListener listener;
  private final PeerTls tls;
  private final SecureRandom random = new SecureRandom();
  private final long instance = random.nextLong();
  private final AtomicLong dials = new AtomicLong();
  private final AtomicBoolean dialsBack = new AtomicBoolean();
  private final NetLoop loop;
  private final List<Listening> listening = new ArrayList<>();
  private final List<InetSocketAddress> addresses = new ArrayList<>();
  private volatile Hello hello;
  private volatile boolean closing;

  // Net thread only.
  private final Survivors survivors;
  private final Set<PeerConnection> connections = new LinkedHashSet<>();

  /** Accepted and not yet proven, the oldest first. */
  private final Set<PeerConnection> unproven = new LinkedHashSet<>();

  private Endpoint(
      EndpointOptions options,
      Identity identity,
      Secret secret,
      Hello hello,
      ConnectionListener listener)
      throws IOException {
    this.options = options;
    this.identity = identity;
    this.secret = secret;
    this.listener = listener;
    this.tls = new PeerTls(identity);
    this.survivors = new Survivors(identity.id());
    this.hello = hello;
    this.loop = new NetLoop(this::loopEnded);
  }

  /**
   * Listens where the options say, and is ready to dial.
   *
   * @param secret stays the caller's, and must not be wiped before this endpoint is closed
   * @param hello what other peers are told; its listen addresses are filled in
   * @throws ClusterException if an address cannot be listened at
   */
  public static Endpoint open(
      EndpointOptions options,
      Identity identity,
      Secret secret,
      Hello hello,
      ConnectionListener listener) {
    Endpoint endpoint;
    try {
      endpoint = new Endpoint(options, identity, secret, hello, listener);
    } catch (IOException e) {
      throw new ClusterException("This system gives no selector for sockets", e);
    }
    endpoint.start();
    return endpoint;
  }

  /** Of this peer. */
  public String id() {
    return identity.id();
  }

  /** The first address it listens at, with its real port; null if it only dials. */
  public @Nullable InetSocketAddress address() {
    return addresses.isEmpty() ? null : addresses.get(0);
  }

  /** All addresses it listens at, in the order of the options. */
  public List<InetSocketAddress> addresses() {
    return List.copyOf(addresses);
  }

  /** What peers are told from the next connection on. */
  public void hello(Hello changed) {
    hello = changed.withListen(addresses);
  }

  /**
   * Dials.
   *
   * @param address resolved: names are looked up by the caller, since that may block
   * @return completes on the net thread, after {@link ConnectionListener#opened}; or with the one
   *     that survives, if there is another; or with a {@link ClusterException}: unreachable, wrong
   *     secret, another version, cluster, model or setting
   */
  public CompletableFuture<Connection> connect(InetSocketAddress address, Lane lane) {
    CompletableFuture<Connection> result = new CompletableFuture<>();
    if (address.isUnresolved()) {
      result.completeExceptionally(
          new UnreachableException("The host name " + address.getHostString() + " is unknown"));
      return result;
    }
    long dial = dials.getAndIncrement();
    loop.execute(() -> dial(address, lane, dial, result));
    if (loop.over().isDone()) {
      result.completeExceptionally(closedError());
    }
    return result;
  }

  /**
   * Measures an open connection of this endpoint: latency by a few pings, then the rate by at most
   * 4 MiB or a quarter of a second of filler that others' frames can overtake in between. For BULK.
   *
   * @return completes on the net thread
   */
  public CompletableFuture<LinkEstimate> measure(Connection connection) {
    return ask(() -> ((PeerConnection) connection).measure());
  }

  /**
   * Asks the peer of an open connection of this endpoint to open a TCP connection to where this one
   * listens, at the address that the peer sees it at.
   *
   * @return completes on the net thread; a peer that does not know the question says bye
   * @throws IllegalStateException if this endpoint does not listen
   */
  public CompletableFuture<DialBack.Result> dialBack(Connection connection) {
    InetSocketAddress own = address();
    if (own == null) {
      throw new IllegalStateException("this endpoint only dials");
    }
    return ask(() -> ((PeerConnection) connection).dialBack(own.getPort()));
  }

  /** On the net thread. */
  private <T> CompletableFuture<T> ask(Supplier<CompletableFuture<T>> question) {
    CompletableFuture<T> result = new CompletableFuture<>();
    loop.execute(
        () ->
            question
                .get()
                .whenComplete(
                    (answer, failure) -> {
                      if (failure == null) {
                        result.complete(answer);
                      } else {
                        result.completeExceptionally(failure);
                      }
                    }));
    if (loop.over().isDone()) {
      result.completeExceptionally(closedError());
    }
    return result;
  }

  /**
   * Stops listening and ends all connections with a farewell. Returns at once; {@link #closed} says
   * when it is done, which takes no longer than the options' linger.
   */
  @Override
  public void close() {
    loop.execute(this::closeAll);
  }

  /** Completes when no thread or socket of this endpoint is left. */
  public CompletableFuture<Void> closed() {
    return loop.over().copy();
  }

  // ---- for connections; constant or safe for several threads

  NetLoop loop() {
    return loop;
  }

  EndpointOptions options() {
    return options;
  }

  Identity identity() {
    return identity;
  }

  Secret secret() {
    return secret;
  }

  PeerTls tls() {
    return tls;
  }

  SecureRandom random() {
    return random;
  }

  /** Set while a peer is dialled back. */
  AtomicBoolean dialsBack() {
    return dialsBack;
  }

  ConnectionListener listener() {
    return listener;
  }

  Greeting greeting(Lane lane, long dial) {
    return new Greeting(hello, lane, instance, dial);
  }

  // ---- on the net thread

  void accepted(SocketChannel channel) {
    InetSocketAddress remote = null;
    try {
      remote = (InetSocketAddress) channel.getRemoteAddress();
      prepare(channel);
      if (unproven.size() >= options.maxUnproven()) {
        Iterator<PeerConnection> oldest = unproven.iterator();
        oldest
            .next()
            .end(new UnreachableException("Gave way to a newer connection: too many wait"));
      }
      PeerConnection connection = new PeerConnection(this, channel, remote, null, Lane.HOT, 0);
      connections.add(connection);
      unproven.add(connection);
      connection.start();
    } catch (IOException e) {
      LOG.log(Level.FINE, "a connection from " + remote + " was gone at once", e);
      closeQuietly(channel);
    }
  }

  /** What stands against a peer that has proven the secret, or null. */
  @Nullable Refusal refusal(PeerConnection newcomer, Hello mine, Hello theirs) {
    Refusal refusal = listener.check(mine, theirs);
    Survivors.Contender rival = survivors.rival(newcomer);
    if (refusal == null && rival != null && !survivors.survives(newcomer, rival)) {
      refusal = Refusal.DUPLICATE;
    }
    return refusal;
  }

  void opened(PeerConnection connection, Hello theirs) {
    unproven.remove(connection);
    PeerConnection rival = (PeerConnection) survivors.rival(connection);
    survivors.put(connection);
    guarded(() -> listener.opened(connection, theirs));
    if (rival != null) {
      rival.close("another connection took its place");
    }
  }

  /** Another one between the same peers may take its place. */
  void leaving(PeerConnection connection) {
    unproven.remove(connection);
    survivors.remove(connection);
  }

  void ended(PeerConnection connection, boolean wasOpened, ClusterException why) {
    connections.remove(connection);
    leaving(connection);
    if (wasOpened) {
      guarded(() -> listener.closed(connection, why));
    } else if (!connection.dialled()) {
      guarded(() -> listener.refused(connection.remote(), why));
    }
    if (closing && connections.isEmpty()) {
      loop.stop();
    }
  }

  @Nullable Connection survivor(PeerConnection loser) {
    return (PeerConnection) survivors.rival(loser);
  }

  private void start() {
    try {
      for (InetSocketAddress at : options.listen()) {
        Listening bound = Listening.bind(this, at);
        listening.add(bound);
        addresses.add(bound.address());
        bound.start();
      }
    } catch (IOException | RuntimeException e) {
      listening.forEach(Listening::stop);
      loop.discard();
      throw e instanceof ClusterException
          ? (ClusterException) e
          : new ClusterException("Cannot listen: " + e.getMessage(), e);
    }
    hello = hello.withListen(addresses);
    loop.start();
  }

  private void dial(
      InetSocketAddress address, Lane lane, long dial, CompletableFuture<Connection> result) {
    if (closing) {
      result.completeExceptionally(closedError());
      return;
    }
    SocketChannel channel = null;
    try {
      channel = SocketChannel.open();
      prepare(channel);
      PeerConnection connection = new PeerConnection(this, channel, address, result, lane, dial);
      connections.add(connection);
      connection.start();
    } catch (IOException e) {
      if (channel != null) {
        closeQuietly(channel);
      }
      result.completeExceptionally(
          new UnreachableException(address + " cannot be reached: " + e.getMessage(), e));
    }
  }

  private static void prepare(SocketChannel channel) throws IOException {
    channel.configureBlocking(false);
    channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
  }

  private void closeAll() {
    if (closing) {
      return;
    }
    closing = true;
    listening.forEach(Listening::stop);
    ConnectionClosedException why = new ConnectionClosedException(false, "this peer goes away");
    for (PeerConnection connection : new ArrayList<>(connections)) {
      connection.close(why.reason());
    }
    if (connections.isEmpty()) {
      loop.stop();
    }
  }

  /** Usually nothing is left to do; otherwise the thread broke down. */
  private void loopEnded() {
    closing = true;
    listening.forEach(Listening::stop);
    for (PeerConnection connection : new ArrayList<>(connections)) {
      connection.end(closedError());
    }
  }

  private static ClusterException closedError() {
    return new ConnectionClosedException(false, "this peer goes away");
  }

  private static void guarded(Runnable callback) {
    try {
      callback.run();
    } catch (RuntimeException e) {
      LOG.log(Level.WARNING, "a listener to connections failed", e);
    }
  }

  private static void closeQuietly(SocketChannel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      LOG.log(Level.FINE, "closing a socket failed", e);
    }
  }
}
