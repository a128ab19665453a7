package org.e2llm.transport.net;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import org.e2llm.cluster.ClusterException;
import org.e2llm.cluster.Secret;
import org.e2llm.transport.trust.Identity;
import org.jspecify.annotations.Nullable;

/** A peer on loopback that notes what happens to it. Everything it is asked for is bounded. */
final class TestPeer implements ConnectionListener, AutoCloseable {
  /** What one connection went through. */
  static final class Log {
    final Hello hello;
    final List<byte[]> frames = Collections.synchronizedList(new ArrayList<>());
    final List<Byte> types = Collections.synchronizedList(new ArrayList<>());
    final CompletableFuture<Throwable> closed = new CompletableFuture<>();

    Log(Hello hello) {
      this.hello = hello;
    }
  }

  static final Secret SECRET = Secret.generate();
  static final Hello HELLO = Hello.of("kitchen", "a peer");
  private static final long PATIENCE_SECONDS = 20;

  final Identity identity;
  final Endpoint endpoint;
  final Map<Connection, Log> logs = new ConcurrentHashMap<>();
  final List<ClusterException> refused = Collections.synchronizedList(new ArrayList<>());

  /** What happens to a frame, after it was noted; by default nothing. */
  volatile @Nullable Receiver receiver;

  volatile boolean keepFrames = true;

  interface Receiver {
    void received(Connection connection, byte type, ByteBuffer payload);
  }

  private TestPeer(EndpointOptions options, Identity identity, Secret secret, Hello hello) {
    this.identity = identity;
    this.endpoint = Endpoint.open(options, identity, secret, hello, this);
  }

  static TestPeer open() {
    return open(HELLO);
  }

  static TestPeer open(Hello hello) {
    return open(listeningOnLoopback(), Identity.create(), SECRET, hello);
  }

  static TestPeer open(Secret secret) {
    return open(listeningOnLoopback(), Identity.create(), secret, HELLO);
  }

  static TestPeer open(EndpointOptions options) {
    return open(options, Identity.create(), SECRET, HELLO);
  }

  static TestPeer open(EndpointOptions options, Identity identity, Secret secret, Hello hello) {
    return new TestPeer(options, identity, secret, hello);
  }

  static EndpointOptions listeningOnLoopback() {
    return EndpointOptions.listening(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
  }

  InetSocketAddress address() {
    return endpoint.address();
  }

  Connection connect(TestPeer other, Lane lane) {
    return get(endpoint.connect(other.address(), lane));
  }

  Connection connect(TestPeer other) {
    return connect(other, Lane.HOT);
  }

  /** The error with which dialling ends. */
  Throwable failure(InetSocketAddress address) {
    try {
      Connection connection =
          endpoint.connect(address, Lane.HOT).get(PATIENCE_SECONDS, TimeUnit.SECONDS);
      throw new AssertionError("connected to " + connection);
    } catch (ExecutionException e) {
      return e.getCause();
    } catch (InterruptedException | TimeoutException e) {
      throw new AssertionError(e);
    }
  }

  /** The open connection of this lane to another peer, once there is one. */
  Connection connectionTo(TestPeer other, Lane lane) {
    await(() -> find(other, lane) != null);
    return find(other, lane);
  }

  Log log(Connection connection) {
    return logs.get(connection);
  }

  private @Nullable Connection find(TestPeer other, Lane lane) {
    for (Map.Entry<Connection, Log> entry : logs.entrySet()) {
      Connection connection = entry.getKey();
      if (connection.peer().equals(other.endpoint.id())
          && connection.lane() == lane
          && !entry.getValue().closed.isDone()) {
        return connection;
      }
    }
    return null;
  }

  int openConnections() {
    return (int) logs.values().stream().filter(log -> !log.closed.isDone()).count();
  }

  @Override
  public void opened(Connection connection, Hello hello) {
    logs.put(connection, new Log(hello));
  }

  @Override
  public void received(Connection connection, byte type, ByteBuffer payload) {
    if (keepFrames) {
      byte[] bytes = new byte[payload.remaining()];
      payload.duplicate().get(bytes);
      Log log = logs.get(connection);
      log.types.add(type);
      log.frames.add(bytes);
    }
    Receiver then = receiver;
    if (then != null) {
      then.received(connection, type, payload);
    }
  }

  @Override
  public void closed(Connection connection, Throwable why) {
    assertThat(logs.get(connection).closed.complete(why)).isTrue();
  }

  @Override
  public void refused(InetSocketAddress remote, ClusterException why) {
    refused.add(why);
  }

  /** Waits until nothing of it is left. */
  @Override
  public void close() {
    endpoint.close();
    get(endpoint.closed());
  }

  static <T> T get(CompletableFuture<T> future) {
    try {
      return future.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException failure) {
        throw failure;
      }
      throw new AssertionError(e);
    } catch (InterruptedException | TimeoutException e) {
      throw new AssertionError(e);
    }
  }

  static void await(BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - end > 0) {
        throw new AssertionError("it did not happen within " + PATIENCE_SECONDS + " s");
      }
      sleep(2);
    }
  }

  static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
