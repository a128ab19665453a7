package org.e2llm.transport.net;

import java.nio.ByteBuffer;
import java.security.SecureRandom;
import org.e2llm.cluster.ProtocolException;
import org.e2llm.cluster.Secret;
import org.e2llm.cluster.WrongSecretException;
import org.e2llm.transport.trust.Fingerprint;
import org.e2llm.transport.trust.Proof;
import org.e2llm.transport.wire.FieldReader;
import org.e2llm.transport.wire.FieldWriter;
import org.e2llm.transport.wire.FrameType;
import org.jspecify.annotations.Nullable;

/**
 * What two peers say to each other after TLS and before anything else: frames in, frames out. Pure
 * but for its nonce.
 *
 * <pre>
 *  client                                server
 *  CHALLENGE  client nonce          →
 *                                   ←    PROOF      server nonce, HMAC as server
 *  PROOF      HMAC as client        →
 *  HELLO      {@link Greeting}              →
 *                                   ←    HELLO      {@link Greeting}, or REFUSED {@link Refusal}
 * </pre>
 *
 * The server is the side that was dialled. It proves itself first, so that a client shows nothing
 * to a stranger; it says nothing but its proof before the client has proven itself. A wrong proof
 * is answered by silence and the end.
 */
final class Handshake {
  /** Takes the frames that go out. */
  interface Out {
    void send(byte type, ByteBuffer payload);
  }

  private enum Waiting {
    CHALLENGE,
    SERVER_PROOF,
    CLIENT_PROOF,
    HELLO,
    NOTHING
  }

  private final Secret secret;
  private final boolean dialled;
  private final byte[] mine;
  private final byte[] theirs;
  private final Greeting greeting;
  private final byte[] nonce = new byte[Proof.NONCE_BYTES];
  private Waiting waiting;
  private @Nullable Proof proof;

  /**
   * For one connection.
   *
   * @param dialled this side is the client
   * @param mine SHA-256 of this side's certificate
   * @param theirs SHA-256 of the other side's, as TLS has it
   * @param greeting what the client says once the server has proven itself
   */
  Handshake(
      Secret secret,
      boolean dialled,
      byte[] mine,
      byte[] theirs,
      Greeting greeting,
      SecureRandom random) {
    this.secret = secret;
    this.dialled = dialled;
    this.mine = mine;
    this.theirs = theirs;
    this.greeting = greeting;
    this.waiting = dialled ? Waiting.SERVER_PROOF : Waiting.CHALLENGE;
    random.nextBytes(nonce);
  }

  /** The id of the other side; it has shown to hold that key, no more. */
  String peer() {
    return Fingerprint.id(theirs);
  }

  /** The client opens. */
  void start(Out out) {
    if (dialled) {
      out.send(FrameType.CHALLENGE, ByteBuffer.wrap(nonce));
    }
  }

  /**
   * Takes a frame.
   *
   * @return the other side's greeting, with which the proof is over; the server has yet to answer
   *     it. Null before that
   * @throws WrongSecretException if the other side does not hold the secret
   * @throws org.e2llm.E2llmException if it refuses this one, or the frame is no part of this
   */
  @Nullable Greeting received(byte type, ByteBuffer payload, Out out) {
    FieldReader in = new FieldReader(payload);
    switch (type) {
      case FrameType.CHALLENGE:
        expect(Waiting.CHALLENGE, type);
        challenged(in, out);
        return null;
      case FrameType.PROOF:
        if (dialled) {
          expect(Waiting.SERVER_PROOF, type);
          serverProof(in, out);
        } else {
          expect(Waiting.CLIENT_PROOF, type);
          clientProof(in);
        }
        return null;
      case FrameType.REFUSED:
        if (dialled) {
          expect(Waiting.HELLO, type);
          throw Refusal.read(in).toException(false);
        }
        throw unexpected(type);
      case FrameType.HELLO:
        expect(Waiting.HELLO, type);
        waiting = Waiting.NOTHING;
        return Greeting.read(in);
      default:
        throw unexpected(type);
    }
  }

  private void challenged(FieldReader in, Out out) {
    byte[] clientNonce = new byte[Proof.NONCE_BYTES];
    in.bytes("challenge.nonce", clientNonce);
    in.end("challenge");
    Proof both = new Proof(secret, mine, theirs, clientNonce, nonce);
    proof = both;
    waiting = Waiting.CLIENT_PROOF;
    out.send(FrameType.PROOF, new FieldWriter(64).bytes(nonce).bytes(both.ofServer()).payload());
  }

  private void serverProof(FieldReader in, Out out) {
    byte[] serverNonce = new byte[Proof.NONCE_BYTES];
    in.bytes("proof.nonce", serverNonce);
    byte[] hmac = hmac(in);
    Proof both = new Proof(secret, theirs, mine, nonce, serverNonce);
    if (!both.isServers(hmac)) {
      throw new WrongSecretException(
          "The peer does not hold the secret of cluster \""
              + greeting.hello().cluster()
              + "\", or this one does not. Give both the same; a pass phrase counts together with"
              + " the cluster's name.");
    }
    waiting = Waiting.HELLO;
    out.send(FrameType.PROOF, ByteBuffer.wrap(both.ofClient()));
    FieldWriter hello = new FieldWriter(512);
    greeting.write(hello);
    out.send(FrameType.HELLO, hello.payload());
  }

  private void clientProof(FieldReader in) {
    byte[] hmac = hmac(in);
    if (proof == null || !proof.isClients(hmac)) {
      throw new WrongSecretException(
          "Somebody dialled who does not hold the secret of cluster \""
              + greeting.hello().cluster()
              + "\".");
    }
    waiting = Waiting.HELLO;
  }

  private static byte[] hmac(FieldReader in) {
    byte[] hmac = new byte[Proof.BYTES];
    in.bytes("proof.hmac", hmac);
    in.end("proof");
    return hmac;
  }

  private void expect(Waiting expected, byte type) {
    if (waiting != expected) {
      throw unexpected(type);
    }
  }

  private ProtocolException unexpected(byte type) {
    return new ProtocolException(
        "a frame of type "
            + FrameType.name(type)
            + " came while the handshake waits for "
            + waiting);
  }
}
