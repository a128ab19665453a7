package org.e2llm.transport.net;

import java.io.IOException;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;
import org.e2llm.transport.trust.PeerTls;

/**
 * TLS over a non-blocking socket: records in, records out, and what the handshake needs in between.
 * Only the net thread calls it, but for {@link #task} and {@link #write}.
 *
 * <p>Two buffers of one record each until {@link #proven}, then larger ones, so that one system
 * call moves several records. Of the plaintext nothing is kept: it goes straight into the buffer
 * that the caller gives, and comes straight from the frames that are queued.
 */
final class TlsChannel {
  enum Read {
    /** Plaintext was added to the target. */
    DATA,
    /** Nothing more has arrived. */
    EMPTY,
    /** The handshake has to write first. */
    WRITE,
    /** The handshake has a {@link #task} that takes long. */
    TASK,
    /** The other side will send no more. */
    END
  }

  /** Plaintext of a TLS 1.3 record (RFC 8446, 5.1). */
  private static final int RECORD = 16 << 10;

  private static final int RECORDS_AT_ONCE = 8;

  /** Reads of the socket for one event, so that one busy peer does not keep the others waiting. */
  private static final int READS_AT_ONCE = 4;

  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

  private final SocketChannel channel;
  private final SSLEngine engine;
  private final Counters counters;
  private final ByteBuffer[] sources = new ByteBuffer[64];

  /** Arrived and not yet decrypted: position to limit. */
  private ByteBuffer in;

  /** Encrypted and not yet written: position to limit. */
  private ByteBuffer out;

  private int reads;

  TlsChannel(SocketChannel channel, SSLEngine engine, Counters counters) throws SSLException {
    this.channel = channel;
    this.engine = engine;
    this.counters = counters;
    engine.beginHandshake();
    int packet = engine.getSession().getPacketBufferSize();
    this.in = empty(packet);
    this.out = empty(packet);
  }

  /** What the target of {@link #read} must have free. */
  int plaintextSize() {
    return Math.max(RECORD + 1024, engine.getSession().getApplicationBufferSize());
  }

  /** SHA-256 of the certificate that the other side has shown to hold the key of. */
  byte[] peerFingerprint() throws SSLException {
    return PeerTls.peerFingerprint(engine.getSession());
  }

  boolean handshaking() {
    return engine.getHandshakeStatus() != HandshakeStatus.NOT_HANDSHAKING;
  }

  /** From here on memory is spent on this connection. */
  void proven() {
    int capacity = RECORDS_AT_ONCE * engine.getSession().getPacketBufferSize();
    in = ByteBuffer.allocate(capacity).put(in);
    ((Buffer) in).flip();
    out = ByteBuffer.allocate(capacity).put(out);
    ((Buffer) out).flip();
  }

  /** Something can be read: allows a few reads of the socket until {@link Read#EMPTY}. */
  void readable() {
    reads = 0;
  }

  /** Decrypts the next record that has plaintext. */
  Read read(ByteBuffer target) throws IOException {
    while (true) {
      HandshakeStatus status = engine.getHandshakeStatus();
      if (status == HandshakeStatus.NEED_TASK) {
        return Read.TASK;
      }
      if (status == HandshakeStatus.NEED_WRAP && !engine.isOutboundDone()) {
        return Read.WRITE;
      }
      SSLEngineResult result = engine.unwrap(in, target);
      switch (result.getStatus()) {
        case OK:
          if (result.bytesProduced() > 0) {
            return Read.DATA;
          }
          break;
        case BUFFER_UNDERFLOW:
          int n = reads < READS_AT_ONCE ? fill() : 0;
          if (n <= 0) {
            return n < 0 ? Read.END : Read.EMPTY;
          }
          break;
        case CLOSED:
          return Read.END;
        case BUFFER_OVERFLOW:
          throw new SSLException("a record is larger than " + target.remaining() + " bytes");
      }
    }
  }

  /** The part of the handshake that is better done elsewhere: nothing else may run meanwhile. */
  void task() {
    for (Runnable task = engine.getDelegatedTask(); task != null; ) {
      task.run();
      task = engine.getDelegatedTask();
    }
  }

  /**
   * Writes what the handshake wants to say, then, once that is done, what is queued. One thread at
   * a time, which may be another than the one that reads.
   *
   * @param giveBack see {@link SendQueue#taken}
   * @return true if all of it is with the operating system, false if the socket is full
   */
  boolean write(SendQueue queue, boolean giveBack) throws IOException {
    while (true) {
      if (!drain()) {
        return false;
      }
      ((Buffer) out).clear();
      encrypt(queue, giveBack);
      ((Buffer) out).flip();
      if (!out.hasRemaining()) {
        return true;
      }
    }
  }

  /** Says that nothing follows, and writes that as far as the socket takes it. */
  void farewell() throws IOException {
    engine.closeOutbound();
    ((Buffer) out).clear();
    if (engine.getHandshakeStatus() == HandshakeStatus.NEED_WRAP) {
      engine.wrap(NOTHING, out);
    }
    ((Buffer) out).flip();
    drain();
  }

  /**
   * Reads without looking at it.
   *
   * @return true at the end of the stream
   */
  boolean discard() throws IOException {
    for (int i = 0; i < READS_AT_ONCE; i++) {
      ((Buffer) in).clear();
      int n = channel.read(in);
      ((Buffer) in).position(0).limit(0);
      if (n <= 0) {
        return n < 0;
      }
    }
    return false;
  }

  private int fill() throws IOException {
    in.compact();
    int n = channel.read(in);
    ((Buffer) in).flip();
    reads++;
    if (n > 0) {
      counters.read(n, System.nanoTime());
    }
    return n;
  }

  private boolean drain() throws IOException {
    while (out.hasRemaining()) {
      int n = channel.write(out);
      if (n == 0) {
        return false;
      }
      counters.wrote(n);
    }
    return true;
  }

  /** Fills {@link #out} with records, as many as fit. */
  private void encrypt(SendQueue queue, boolean giveBack) throws SSLException {
    int packet = engine.getSession().getPacketBufferSize();
    while (out.remaining() >= packet) {
      HandshakeStatus status = engine.getHandshakeStatus();
      int buffers = 0;
      if (status == HandshakeStatus.NOT_HANDSHAKING) {
        buffers = queue.gather(sources, RECORD);
      }
      if (buffers == 0 && status != HandshakeStatus.NEED_WRAP) {
        return;
      }
      if (buffers == 0) {
        sources[buffers++] = NOTHING;
      }
      SSLEngineResult result = engine.wrap(sources, 0, buffers, out);
      counters.encrypted(queue.taken(giveBack), result.bytesConsumed());
      if (result.bytesProduced() == 0) {
        return;
      }
    }
  }

  private static ByteBuffer empty(int capacity) {
    ByteBuffer buffer = ByteBuffer.allocate(capacity);
    ((Buffer) buffer).limit(0);
    return buffer;
  }
}
