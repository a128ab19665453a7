package org.e2llm.transport.net;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.e2llm.transport.net.SendQueue.Offer;
import org.junit.jupiter.api.Test;

class SendQueueTest {
  private static final byte TYPE = 0x21;
  private final ByteBuffer[] buffers = new ByteBuffer[64];

  @Test
  void framesComeOutNumberedAndInOrderHoweverTheyAreTaken() {
    SendQueue queue = new SendQueue(1 << 20);
    for (int i = 0; i < 100; i++) {
      assertThat(queue.offer(TYPE, ByteBuffer.wrap(new byte[] {(byte) i}), null))
          .isEqualTo(Offer.QUEUED);
    }
    assertThat(queue.bytes()).isEqualTo(1300);
    byte[] stream = take(queue, 7);
    assertThat(stream).hasSize(1300);
    for (int i = 0; i < 100; i++) {
      assertThat(stream[13 * i + 8]).isEqualTo((byte) i);
      assertThat(stream[13 * i + 12]).isEqualTo((byte) i);
    }
    assertThat(queue.bytes()).isZero();
  }

  @Test
  void aPayloadIsReleasedWhenItsLastByteIsTaken() {
    SendQueue queue = new SendQueue(1 << 20);
    List<String> released = new ArrayList<>();
    queue.offer(TYPE, ByteBuffer.allocate(0), () -> released.add("empty"));
    queue.offer(TYPE, ByteBuffer.allocate(10), () -> released.add("ten"));
    take(queue, 5, 33);
    assertThat(released).containsExactly("empty");
    take(queue, 1, 1);
    assertThat(released).containsExactly("empty", "ten");
  }

  @Test
  void whatIsNotTakenIsReleasedWhenDropped() {
    SendQueue queue = new SendQueue(1 << 20);
    List<Integer> released = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      int number = i;
      queue.offer(TYPE, ByteBuffer.allocate(10), () -> released.add(number));
    }
    queue.drop();
    queue.drop();
    assertThat(released).containsExactly(0, 1, 2);
    assertThat(queue.bytes()).isZero();
    assertThat(queue.offer(TYPE, ByteBuffer.allocate(1), () -> released.add(9)))
        .isEqualTo(Offer.CLOSED);
    assertThat(queue.offer(TYPE, 1L)).isEqualTo(Offer.CLOSED);
    assertThat(released).hasSize(3);
  }

  @Test
  void whoeverIsReleasedMayQueueAgain() {
    SendQueue queue = new SendQueue(1 << 20);
    ByteBuffer payload = ByteBuffer.allocate(4);
    int[] left = {5};
    Runnable[] again = new Runnable[1];
    again[0] =
        () -> {
          if (--left[0] > 0) {
            payload.clear();
            queue.offer(TYPE, payload, again[0]);
          }
        };
    queue.offer(TYPE, payload, again[0]);
    assertThat(take(queue, 3)).hasSize(5 * 16);
    assertThat(left[0]).isZero();
  }

  @Test
  void tooManyBytesOrFramesCloseIt() {
    SendQueue bytes = new SendQueue(100);
    assertThat(bytes.offer(TYPE, ByteBuffer.allocate(88), null)).isEqualTo(Offer.QUEUED);
    assertThat(bytes.offer(TYPE, ByteBuffer.allocate(0), null)).isEqualTo(Offer.FULL);
    assertThat(bytes.offer(TYPE, ByteBuffer.allocate(0), null)).isEqualTo(Offer.CLOSED);
    SendQueue frames = new SendQueue(Long.MAX_VALUE / 2);
    int queued = 0;
    while (frames.offer(TYPE, 1L) == Offer.QUEUED) {
      queued++;
    }
    assertThat(queued).isEqualTo(1 << 17);
  }

  @Test
  void theLastFrameGoesOutEvenIfItIsFull() {
    SendQueue queue = new SendQueue(100);
    queue.offer(TYPE, ByteBuffer.allocate(88), null);
    queue.close((byte) 7, ByteBuffer.wrap(new byte[] {42}));
    queue.close((byte) 7, ByteBuffer.wrap(new byte[] {43}));
    byte[] stream = take(queue, 1000);
    assertThat(stream).hasSize(113);
    assertThat(stream[112]).isEqualTo((byte) 42);
    assertThat(queue.offer(TYPE, 1L)).isEqualTo(Offer.CLOSED);
  }

  @Test
  void nothingIsAllocatedPerFrameOnceWarm() {
    SendQueue queue = new SendQueue(1 << 20);
    ByteBuffer payload = ByteBuffer.allocate(100);
    ByteBuffer sink = ByteBuffer.allocate(1000);
    sendAndTake(queue, payload, sink, 20_000);
    com.sun.management.ThreadMXBean threads =
        (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    sendAndTake(queue, payload, sink, 100_000);
    assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(10_000);
  }

  private void sendAndTake(SendQueue queue, ByteBuffer payload, ByteBuffer sink, int times) {
    for (int i = 0; i < times; i++) {
      payload.clear();
      queue.offer(TYPE, payload, null);
      queue.offer(TYPE, i);
      for (int n = queue.gather(buffers, 1000); n > 0; n = queue.gather(buffers, 1000)) {
        sink.clear();
        for (int b = 0; b < n; b++) {
          sink.put(buffers[b]);
        }
        queue.taken(true);
      }
    }
  }

  /** Everything, {@code step} bytes at a time. */
  private byte[] take(SendQueue queue, int step) {
    return take(queue, step, Integer.MAX_VALUE);
  }

  private byte[] take(SendQueue queue, int step, int most) {
    ByteBuffer stream = ByteBuffer.allocate(1 << 16);
    int left = most;
    for (int n = queue.gather(buffers, step); n > 0 && left > 0; n = queue.gather(buffers, step)) {
      int room = Math.min(step, left);
      for (int b = 0; b < n && room > 0; b++) {
        while (room > 0 && buffers[b].hasRemaining()) {
          stream.put(buffers[b].get());
          room--;
          left--;
        }
      }
      queue.taken(true);
    }
    byte[] bytes = new byte[stream.position()];
    stream.flip().get(bytes);
    return bytes;
  }
}
