package org.e2llm.transport.doctor;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Function;
import org.e2llm.cluster.ClusterMismatchException;
import org.e2llm.cluster.ConnectionClosedException;
import org.e2llm.cluster.IncompatibleVersionException;
import org.e2llm.cluster.UnreachableException;
import org.e2llm.cluster.WrongSecretException;
import org.e2llm.transport.discovery.NetworkChecks;
import org.e2llm.transport.doctor.Finding.Area;
import org.e2llm.transport.net.Connection;
import org.e2llm.transport.net.DialBack;
import org.e2llm.transport.net.Endpoint;
import org.e2llm.transport.net.Hello;
import org.e2llm.transport.net.Lane;
import org.e2llm.transport.net.LinkEstimate;
import org.jspecify.annotations.Nullable;

/** Goes to one peer: is it reached, does it let us in, does it reach us, how fast is the link. */
final class PeerVisit {
  private static final int CONNECT_MILLIS = 3_000;
  private static final long PATIENCE_SECONDS = 12;
  private static final int MOST_PROBES = 10;

  /** Below this a prompt's hidden states take longer than their computing on most devices. */
  private static final double SLOW = 4e6;

  /** With some stages, this much per hop is heard in every token. */
  private static final double FAR = 10e-3;

  private final Endpoint endpoint;
  private final Function<Connection, @Nullable Hello> hellos;
  private final Consumer<Finding> found;

  PeerVisit(
      Endpoint endpoint, Function<Connection, @Nullable Hello> hellos, Consumer<Finding> found) {
    this.endpoint = endpoint;
    this.hellos = hellos;
    this.found = found;
  }

  /**
   * Tries the addresses one after the other until one lets us in.
   *
   * @param name of the peer, for people
   * @param met ids of peers that were visited already; this one is added
   */
  void visit(String name, List<InetSocketAddress> addresses, Set<String> met)
      throws InterruptedException {
    boolean silent = true;
    for (InetSocketAddress address : addresses) {
      NetworkChecks.Result opens = NetworkChecks.connect(address, CONNECT_MILLIS);
      if (!opens.good()) {
        found.accept(Finding.bad(Area.PEERS, text(address), opens.finding()));
        continue;
      }
      silent = false;
      Connection connection = connect(address);
      if (connection != null) {
        if (met.add(connection.peer())) {
          examine(address, connection);
        } else {
          found.accept(
              Finding.good(Area.PEERS, text(address), "is a peer that was examined already"));
        }
        connection.close("the doctor goes");
        return;
      }
    }
    if (silent && addresses.size() > 1) {
      found.accept(Finding.bad(Area.PEERS, name, "none of its addresses is reached"));
    }
  }

  private @Nullable Connection connect(InetSocketAddress address) throws InterruptedException {
    try {
      return await(endpoint.connect(address, Lane.BULK));
    } catch (ExecutionException e) {
      found.accept(Finding.bad(Area.PEERS, text(address), turnedAway(e.getCause())));
    } catch (TimeoutException e) {
      found.accept(Finding.bad(Area.PEERS, text(address), "connects, and then nothing happens"));
    }
    return null;
  }

  /** Each cause has something else to be done. */
  private static String turnedAway(@Nullable Throwable why) {
    String words = why == null ? "" : String.valueOf(why.getMessage());
    if (why instanceof WrongSecretException) {
      return "holds another secret (" + words + "): copy the secret file anew to one of the two";
    }
    if (why instanceof ClusterMismatchException mismatch) {
      return "holds the same secret, but differs: "
          + mismatch.getMessage()
          + " Give both the same --cluster and settings";
    }
    if (why instanceof IncompatibleVersionException) {
      return "speaks another version of the protocol: " + words;
    }
    if (why instanceof UnreachableException) {
      return "something answers there, but no peer that holds this secret: "
          + words
          + ". Is it the right port, and the same secret?";
    }
    if (why instanceof ConnectionClosedException) {
      return "closed the connection: " + words;
    }
    return "failed: " + words;
  }

  private void examine(InetSocketAddress address, Connection connection)
      throws InterruptedException {
    Hello hello = hellos.apply(connection);
    String called = hello == null || hello.name().isEmpty() ? "a peer" : hello.name();
    String model = hello == null ? null : hello.settings().get("model");
    found.accept(
        Finding.good(
            Area.PEERS,
            text(address),
            called
                + " ("
                + connection.peer().substring(0, 8)
                + ") lets us in, protocol "
                + connection.version()
                + (model == null ? "" : ", model " + model)));
    back(called, address, connection);
    measure(called, address, connection);
  }

  private void back(String called, InetSocketAddress address, Connection connection)
      throws InterruptedException {
    String subject = text(address) + " back";
    InetSocketAddress own = endpoint.address();
    String port = own == null ? "" : " TCP port " + own.getPort();
    boolean inside = own != null && own.getAddress().isLoopbackAddress();
    if (inside && !address.getAddress().isLoopbackAddress()) {
      found.accept(
          Finding.bad(
              Area.PEERS,
              subject,
              "this device listens on loopback only, where no other reaches it: --listen names an"
                  + " address of the LAN, or is left out"));
      return;
    }
    try {
      DialBack.Result result = await(endpoint.dialBack(connection));
      switch (result.outcome()) {
        case OPENED ->
            found.accept(Finding.good(Area.PEERS, subject, called + " reaches this device"));
        case BUSY ->
            found.accept(
                Finding.note(
                    Area.PEERS, subject, called + " was busy with another question: ask again"));
        case TIMEOUT, REFUSED ->
            found.accept(
                Finding.bad(
                    Area.PEERS,
                    subject,
                    called
                        + " does not reach this device ("
                        + result.details()
                        + "): a firewall here, or NAT in between, keeps connections out. Allow"
                        + port
                        + " to come in; until then this device has to dial (--join), which is"
                        + " enough for two"));
        default ->
            found.accept(
                Finding.bad(
                    Area.PEERS,
                    subject,
                    called
                        + " does not reach this device ("
                        + result.details()
                        + "): both must be on networks with a way in both directions"));
      }
    } catch (ExecutionException | TimeoutException e) {
      found.accept(
          Finding.note(Area.PEERS, subject, called + " did not say whether it reaches us"));
    }
  }

  private void measure(String called, InetSocketAddress address, Connection connection)
      throws InterruptedException {
    String subject = text(address);
    try {
      LinkEstimate link = measure(connection);
      String figures =
          String.format(
              Locale.ROOT,
              "%s: %.1f MB/s, %.2f ms one way",
              called,
              link.bytesPerSecond() / 1e6,
              link.latencySeconds() * 1e3);
      String advice = advice(link);
      found.accept(
          (advice.isEmpty()
                  ? Finding.good(Area.LINKS, subject, figures)
                  : Finding.note(Area.LINKS, subject, figures + "; " + advice))
              .with("bytesPerSecond", link.bytesPerSecond())
              .with("latencySeconds", link.latencySeconds()));
    } catch (ExecutionException | TimeoutException e) {
      found.accept(
          Finding.bad(
              Area.LINKS,
              subject,
              called + ": the link broke or stood still while it was measured; look at the Wi-Fi"));
    }
  }

  /** Again as long as it gets better: this JVM is fresh, and first compiles its cipher. */
  private LinkEstimate measure(Connection connection)
      throws InterruptedException, ExecutionException, TimeoutException {
    LinkEstimate best = await(endpoint.measure(connection));
    for (int i = 1; i < MOST_PROBES; i++) {
      LinkEstimate next = await(endpoint.measure(connection));
      boolean better = next.bytesPerSecond() > best.bytesPerSecond() * 1.1;
      best =
          new LinkEstimate(
              Math.max(best.bytesPerSecond(), next.bytesPerSecond()),
              Math.min(best.latencySeconds(), next.latencySeconds()),
              best.bytes() + next.bytes());
      if (!better) {
        break;
      }
    }
    return best;
  }

  private static String advice(LinkEstimate link) {
    if (link.bytesPerSecond() < SLOW) {
      return "slow: plans will hardly cut a model across it. A cable, or the 5 GHz band, helps";
    }
    if (link.latencySeconds() > FAR) {
      return "far: every token waits for it at every hop. Wi-Fi power saving is a usual cause";
    }
    return "";
  }

  private static <T> T await(CompletableFuture<T> future)
      throws InterruptedException, ExecutionException, TimeoutException {
    return future.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
  }

  static String text(InetSocketAddress address) {
    InetAddress host = address.getAddress();
    if (host == null) {
      return address.getHostString() + ":" + address.getPort();
    }
    String text = host.getHostAddress();
    return (host instanceof Inet6Address ? "[" + text + "]" : text) + ":" + address.getPort();
  }
}
