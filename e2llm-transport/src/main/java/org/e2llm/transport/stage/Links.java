package org.e2llm.transport.stage;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** The hot connections to other peers. Thread-safe; nothing blocks. */
public interface Links {
  /** Id of this device. */
  String self();

  /**
   * Queues a frame; frames to one peer arrive in order.
   *
   * @param payload lent until {@code released} ran; see {@code Connection.send}
   * @return false if there is no connection: the payload was not touched, {@code released} never
   *     runs
   */
  boolean send(String peer, byte type, ByteBuffer payload, @Nullable Runnable released);

  /** Whether there is a connection. */
  boolean reaches(String peer);

  /** Ends the connection to a peer that sent what it may not send. */
  void drop(String peer, String reason);
}
