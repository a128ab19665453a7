package org.e2llm.transport.net;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import javax.net.ssl.SSLSocket;
import org.e2llm.cluster.Secret;
import org.e2llm.transport.trust.Identity;
import org.e2llm.transport.trust.PeerTls;
import org.e2llm.transport.trust.Proof;
import org.e2llm.transport.wire.FieldWriter;
import org.e2llm.transport.wire.FrameType;

/**
 * The client's side of the protocol by hand, over a blocking socket: it can say whatever it likes.
 * Reads end after 20 s at the latest.
 */
final class Stranger implements AutoCloseable {
  /** A frame as it came. */
  record Frame(byte type, byte[] payload) {}

  final SSLSocket socket;
  final Identity identity;
  private final DataInputStream in;
  private final OutputStream out;
  private int sequence;

  Stranger(InetSocketAddress address) throws IOException {
    this(address, Identity.create());
  }

  Stranger(InetSocketAddress address, Identity identity) throws IOException {
    this.identity = identity;
    Socket plain = new Socket(address.getAddress(), address.getPort());
    plain.setSoTimeout(20_000);
    plain.setTcpNoDelay(true);
    this.socket =
        (SSLSocket)
            new PeerTls(identity)
                .context()
                .getSocketFactory()
                .createSocket(plain, "peer", address.getPort(), true);
    socket.setEnabledProtocols(new String[] {"TLSv1.3"});
    socket.startHandshake();
    this.in = new DataInputStream(socket.getInputStream());
    this.out = socket.getOutputStream();
  }

  /** One that has gone through the whole proof, with the secret, and got the hello. */
  static Stranger proven(InetSocketAddress address, Secret secret) throws IOException {
    Stranger stranger = new Stranger(address);
    stranger.prove(secret);
    stranger.sendHello();
    Frame hello = stranger.receive();
    if (hello.type() != FrameType.HELLO) {
      throw new IOException("no hello but " + hello);
    }
    return stranger;
  }

  /** Up to this side's proof. */
  void prove(Secret secret) throws IOException {
    byte[] nonce = new byte[32];
    nonce[5] = 5;
    send(FrameType.CHALLENGE, nonce);
    byte[] serverNonce = java.util.Arrays.copyOf(receive().payload(), 32);
    byte[] server = PeerTls.peerFingerprint(socket.getSession());
    send(
        FrameType.PROOF,
        new Proof(secret, server, identity.fingerprint(), nonce, serverNonce).ofClient());
  }

  void sendHello() throws IOException {
    FieldWriter hello = new FieldWriter(256);
    new Greeting(TestPeer.HELLO, Lane.HOT, 77, 0).write(hello);
    send(FrameType.HELLO, bytes(hello));
  }

  void send(byte type, byte[] payload) throws IOException {
    sendRaw(frame(payload.length, type, 0, 0, sequence++, payload));
  }

  void sendRaw(byte[] bytes) throws IOException {
    out.write(bytes);
    out.flush();
  }

  Frame receive() throws IOException {
    byte[] header = new byte[12];
    in.readFully(header);
    byte[] payload = new byte[ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN).getInt(0)];
    in.readFully(payload);
    return new Frame(header[4], payload);
  }

  /** What still comes until the other side ends the connection. */
  int bytesUntilEnd() throws IOException {
    int bytes = 0;
    try {
      while (in.read() >= 0) {
        bytes++;
      }
    } catch (EOFException | java.net.SocketException | javax.net.ssl.SSLException e) {
      // The end, too.
    }
    return bytes;
  }

  static byte[] frame(int length, int type, int flags, int reserved, int sequence, byte[] payload) {
    return ByteBuffer.allocate(12 + payload.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(length)
        .put((byte) type)
        .put((byte) flags)
        .putShort((short) reserved)
        .putInt(sequence)
        .put(payload)
        .array();
  }

  static byte[] bytes(FieldWriter written) {
    byte[] bytes = new byte[written.size()];
    written.payload().get(bytes);
    return bytes;
  }

  /** Without a farewell. */
  @Override
  public void close() throws IOException {
    socket.close();
  }
}
