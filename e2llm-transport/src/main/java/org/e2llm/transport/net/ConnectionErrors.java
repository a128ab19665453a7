package org.e2llm.transport.net;

import java.net.InetSocketAddress;
import org.e2llm.cluster.ClusterException;
import org.e2llm.cluster.ConnectionLostException;
import org.e2llm.cluster.UnreachableException;

/**
 * What became of a connection, in words that say how far it had come.
 *
 * @param remote the other end
 * @param options whose timeouts are named
 */
record ConnectionErrors(InetSocketAddress remote, EndpointOptions options) {
  /**
   * It took too long.
   *
   * @param connecting TCP was not there yet
   */
  ClusterException timeout(boolean connecting) {
    return new UnreachableException(
        connecting
            ? remote + " did not answer within " + options.connectTimeout().toMillis() + " ms"
            : remote
                + " was connected, but did not get through TLS and the proof of the secret within "
                + options.proofTimeout().toMillis()
                + " ms");
  }

  /** It never was open. */
  ClusterException unreachable(boolean connecting, Throwable cause) {
    return new UnreachableException(
        connecting
            ? remote + " cannot be reached: " + words(cause)
            : remote
                + " was connected, but no peer of this cluster proved itself there: "
                + words(cause),
        cause);
  }

  /** It was open. */
  ClusterException lost(PeerConnection connection, Throwable cause) {
    return new ConnectionLostException(
        "The connection to " + connection + " was lost: " + words(cause), cause);
  }

  private static String words(Throwable cause) {
    return cause.getMessage() == null ? cause.toString() : cause.getMessage();
  }
}
