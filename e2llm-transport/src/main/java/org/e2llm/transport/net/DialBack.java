package org.e2llm.transport.net;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NoRouteToHostException;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.e2llm.cluster.ClusterException;
import org.e2llm.transport.wire.FieldReader;
import org.e2llm.transport.wire.FieldWriter;
import org.e2llm.transport.wire.FrameType;
import org.jspecify.annotations.Nullable;

/**
 * Whether the way back is open: a peer is asked to open a TCP connection to a port of the device
 * that asks, at the address it sees it at and no other, so that nobody can be made to knock at
 * others' doors. One attempt at a time for the whole endpoint. Net thread only, but for the attempt
 * itself.
 *
 * <pre>
 *  0x0a  u16 port
 *  0x0b  u8 outcome, string details
 * </pre>
 */
public final class DialBack {
  /** How it went. Sent by position: new ones come last. */
  public enum Outcome {
    /** The connection opened. */
    OPENED,
    /** The host answers, and nobody listens on the port, or a firewall says no. */
    REFUSED,
    /** No answer: mostly a firewall that drops. */
    TIMEOUT,
    NO_ROUTE,
    FAILED,
    /** The peer tries another one just now. */
    BUSY
  }

  /**
   * What the peer found.
   *
   * @param details in the words of its system; empty where it opened
   */
  public record Result(Outcome outcome, String details) {}

  private final Outbound outbound;
  private final NetLoop loop;
  private final InetAddress remote;
  private final int timeoutMillis;
  private final AtomicBoolean busy;
  private @Nullable CompletableFuture<Result> waiting;

  /**
   * Nothing asked yet.
   *
   * @param remote where the other side is
   * @param busy whether the endpoint tries one now
   */
  DialBack(
      Outbound outbound, NetLoop loop, InetAddress remote, int timeoutMillis, AtomicBoolean busy) {
    this.outbound = outbound;
    this.loop = loop;
    this.remote = remote;
    this.timeoutMillis = timeoutMillis;
    this.busy = busy;
  }

  /** Asks the peer; a second call while it tries gets the result of the first. */
  CompletableFuture<Result> ask(int port) {
    CompletableFuture<Result> result = waiting;
    if (result == null) {
      result = new CompletableFuture<>();
      waiting = result;
      outbound.send(FrameType.DIAL_BACK, new FieldWriter(2).u16(port).payload(), null);
    }
    return result;
  }

  /** The peer asks. */
  void asked(FieldReader in) {
    InetSocketAddress address = new InetSocketAddress(remote, in.u16("dialBack.port"));
    if (!busy.compareAndSet(false, true)) {
      answer(new Result(Outcome.BUSY, ""));
      return;
    }
    loop.executeSlow(
        () -> {
          Result result = dial(address);
          busy.set(false);
          answer(result);
        });
  }

  private Result dial(InetSocketAddress address) {
    try (Socket socket = new Socket()) {
      socket.connect(address, timeoutMillis);
      return new Result(Outcome.OPENED, "");
    } catch (SocketTimeoutException e) {
      return new Result(Outcome.TIMEOUT, "no answer within " + timeoutMillis + " ms");
    } catch (NoRouteToHostException e) {
      return new Result(Outcome.NO_ROUTE, String.valueOf(e.getMessage()));
    } catch (IOException | RuntimeException e) {
      String words = String.valueOf(e.getMessage());
      boolean refused = words.toLowerCase(Locale.ROOT).contains("refused");
      return new Result(refused ? Outcome.REFUSED : Outcome.FAILED, words);
    }
  }

  private void answer(Result result) {
    FieldWriter out = new FieldWriter(64).choice(result.outcome()).shortened(result.details());
    outbound.send(FrameType.DIALLED_BACK, out.payload(), null);
  }

  /** The peer has tried. */
  void answered(FieldReader in) {
    Outcome outcome = in.choice("dialledBack.outcome", Outcome.values());
    Result result = new Result(outcome, in.string("dialledBack.details"));
    CompletableFuture<Result> asked = waiting;
    if (asked != null) {
      waiting = null;
      asked.complete(result);
    }
  }

  void fail(ClusterException why) {
    CompletableFuture<Result> asked = waiting;
    if (asked != null) {
      waiting = null;
      asked.completeExceptionally(why);
    }
  }
}
