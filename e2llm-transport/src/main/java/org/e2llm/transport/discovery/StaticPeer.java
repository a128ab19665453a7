package org.e2llm.transport.discovery;

import org.e2llm.InvalidRequestException;

/**
 * A peer that the app names, where discovery cannot find it.
 *
 * @param host name or address, IPv6 without brackets; looked up anew with every try
 * @param port 1 to 65535
 */
public record StaticPeer(String host, int port) {
  public StaticPeer {
    if (host.isBlank() || host.length() > 255) {
      throw new InvalidRequestException("host \"" + host + "\", expected a name or an address");
    }
    if (port < 1 || port > 65535) {
      throw new InvalidRequestException("port " + port + " of " + host + ", expected 1 to 65535");
    }
  }

  /**
   * Reads {@code host:port}; an IPv6 address stands in brackets: {@code [fd00::2]:7600}.
   *
   * @throws InvalidRequestException says what was expected
   */
  public static StaticPeer parse(String text) {
    int colon = text.lastIndexOf(':');
    String host = colon < 0 ? text : text.substring(0, colon);
    boolean brackets = host.startsWith("[") && host.endsWith("]");
    if (colon < 0 || (!brackets && host.indexOf(':') >= 0)) {
      throw new InvalidRequestException(
          "\"" + text + "\", expected HOST:PORT, or [ADDRESS]:PORT for an IPv6 address");
    }
    int port;
    try {
      port = Integer.parseInt(text.substring(colon + 1));
    } catch (NumberFormatException e) {
      throw new InvalidRequestException(
          "\"" + text + "\": port \"" + text.substring(colon + 1) + "\", expected 1 to 65535");
    }
    return new StaticPeer(brackets ? host.substring(1, host.length() - 1) : host, port);
  }

  @Override
  public String toString() {
    return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
  }
}
