package org.e2llm.transport.stage;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The links of a device that may be two stages of a ring: frames of rings that it sends to itself
 * go to its own stages, as if they had come from a peer.
 */
final class LoopLinks implements Links {
  /** Takes a frame that is lent until it returns. */
  interface Taker {
    void received(String peer, byte type, ByteBuffer payload);
  }

  private final Links others;
  private final Taker self;

  LoopLinks(Links others, Taker self) {
    this.others = others;
    this.self = self;
  }

  @Override
  public String self() {
    return others.self();
  }

  @Override
  public boolean send(String peer, byte type, ByteBuffer payload, @Nullable Runnable released) {
    if (!peer.equals(self()) || !StageHost.takes(type)) {
      return others.send(peer, type, payload, released);
    }
    self.received(peer, type, payload);
    if (released != null) {
      released.run();
    }
    return true;
  }

  @Override
  public boolean reaches(String peer) {
    return peer.equals(self()) || others.reaches(peer);
  }

  @Override
  public void drop(String peer, String reason) {
    others.drop(peer, reason);
  }
}
