package org.e2llm.transport.discovery;

import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.channels.UnresolvedAddressException;
import java.util.Locale;

/**
 * Why a peer was not reached, for people.
 *
 * @param text what was found, and what helps
 */
public record Unreachable(Cause cause, String text) {
  /** What went wrong, as far as one can tell from here. */
  public enum Cause {
    /** The name has no address. */
    NAME,
    /** The host is there and nobody listens on the port. */
    REFUSED,
    /** No answer: the host is off, or a firewall swallows packets. */
    TIMEOUT,
    /** No way there: another network, or none. */
    NO_ROUTE,
    /** This system forbids it: a firewall or a missing permission here. */
    FORBIDDEN,
    /** Somebody answered and did not let us in, such as for a wrong secret. */
    TURNED_AWAY,
    /** It was there and the connection ended. */
    LOST,
    OTHER
  }

  /** What an exception from looking up, connecting or talking means. */
  public static Unreachable because(Throwable thrown) {
    String found = String.valueOf(thrown.getMessage());
    if (thrown instanceof UnknownHostException || thrown instanceof UnresolvedAddressException) {
      return new Unreachable(
          Cause.NAME, "the name has no address (" + found + "); give the peer by its address");
    }
    if (thrown instanceof SocketTimeoutException) {
      return timeout("no answer (" + found + ")");
    }
    if (thrown instanceof NoRouteToHostException) {
      return noRoute(found);
    }
    if (thrown instanceof BindException) {
      return new Unreachable(Cause.OTHER, "no local address to connect from (" + found + ")");
    }
    return thrown instanceof IOException || thrown instanceof SecurityException
        ? byMessage(thrown, found)
        : new Unreachable(Cause.OTHER, thrown.toString());
  }

  /** Java has no exceptions of their own for these: the system's words tell them apart. */
  private static Unreachable byMessage(Throwable thrown, String found) {
    String words = found.toLowerCase(Locale.ROOT);
    if (words.contains("unreachable") || words.contains("network is down")) {
      return noRoute(found);
    }
    if (words.contains("timed out")) {
      return timeout(found);
    }
    if (words.contains("permitted") || words.contains("denied")) {
      return new Unreachable(
          Cause.FORBIDDEN,
          "this system forbids it (" + found + "); look at its firewall and the app's permissions");
    }
    if (words.contains("refused")) {
      return new Unreachable(
          Cause.REFUSED,
          "nobody listens on that port (" + found + "); is the app running there, on this port?");
    }
    if (thrown instanceof ConnectException) {
      return new Unreachable(Cause.OTHER, found);
    }
    return new Unreachable(Cause.LOST, "the connection ended (" + found + ")");
  }

  /** The peer said no, and why. */
  public static Unreachable turnedAway(String reason) {
    return new Unreachable(Cause.TURNED_AWAY, reason);
  }

  static Unreachable timeout(String found) {
    return new Unreachable(
        Cause.TIMEOUT,
        found + "; the host may be off, or a firewall in between drops the connection");
  }

  private static Unreachable noRoute(String found) {
    return new Unreachable(
        Cause.NO_ROUTE,
        "no way there (" + found + "); both must be on networks that are connected");
  }
}
