package org.e2llm.transport.net;

import java.nio.ByteBuffer;
import org.e2llm.transport.wire.FieldWriter;
import org.e2llm.transport.wire.FrameType;
import org.jspecify.annotations.Nullable;

/**
 * What comes between TLS and an open connection: the proof of the secret, the two greetings, and
 * whether they fit. Net thread only.
 */
final class Opening {
  private final Endpoint endpoint;
  private final PeerConnection connection;
  private final Outbound outbound;
  private final Handshake handshake;

  /**
   * Not yet started.
   *
   * @param dial number of this side's attempt, where it has dialled
   * @param fingerprint SHA-256 of the other side's certificate
   */
  Opening(
      Endpoint endpoint,
      PeerConnection connection,
      long dial,
      Outbound outbound,
      byte[] fingerprint) {
    this.endpoint = endpoint;
    this.connection = connection;
    this.outbound = outbound;
    this.handshake =
        new Handshake(
            endpoint.secret(),
            connection.dialled(),
            endpoint.identity().fingerprint(),
            fingerprint,
            endpoint.greeting(connection.lane(), dial),
            endpoint.random());
  }

  /** Id of the other side. */
  String peer() {
    return handshake.peer();
  }

  void start() {
    handshake.start(this::send);
  }

  /** The other side's greeting, once it has proven the secret. */
  @Nullable Greeting received(byte type, ByteBuffer payload) {
    return handshake.received(type, payload, this::send);
  }

  /**
   * Greets back, where the other side has dialled; or refuses, as the last thing that is said.
   *
   * @return why it is refused, or null
   */
  @Nullable Refusal answer(Greeting theirs) {
    Refusal refusal = endpoint.refusal(connection, mine(), theirs.hello());
    if (refusal != null) {
      FieldWriter out = new FieldWriter(256);
      refusal.write(out);
      outbound.last(FrameType.REFUSED, out.payload());
    } else if (!connection.dialled()) {
      FieldWriter out = new FieldWriter(512);
      endpoint.greeting(theirs.lane(), 0).write(out);
      send(FrameType.HELLO, out.payload());
    }
    return refusal;
  }

  /** The version that both speak. */
  int version(Greeting theirs) {
    return Refusal.commonVersion(mine(), theirs.hello());
  }

  /** As it is now: what this peer says of itself may have changed since it began. */
  private Hello mine() {
    return endpoint.greeting(connection.lane(), 0).hello();
  }

  private void send(byte type, ByteBuffer payload) {
    outbound.send(type, payload, null);
  }
}
