package org.e2llm.transport.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.e2llm.cluster.ProtocolException;
import org.junit.jupiter.api.Test;

class FrameReaderTest {
  private static final int CHUNK = 16 << 10;

  @Test
  void framesThatNoPeerSendsAreRefusedByTheirHeaderAlone() {
    refused(header(-1, 0x20, 0, 0, 0), "0x20 says it has 4294967295 bytes, allowed are 67108864");
    refused(header(0x8000_0000, 0x20, 0, 0, 0), "2147483648 bytes");
    refused(header((64 << 20) + 1, 0x20, 0, 0, 0), "67108865 bytes, allowed are 67108864");
    refused(header(0, 0x00, 0, 0, 0), "type 0x00 is not expected");
    refused(header(0, 0xff, 0, 0, 0), "type 0xff is not expected");
    refused(header(0, 0x20, 1, 0, 0), "flags 1");
    refused(header(0, 0x20, 0, 2, 0), "reserved 2");
    refused(header(0, 0x20, 0, 0, 1), "frame 1 came where frame 0 was due");
  }

  @Test
  void repeatedLostAndSwappedFramesAreNoticed() {
    refused(frames(0, 0), "frame 0 came where frame 1 was due");
    refused(frames(0, 2), "frame 2 came where frame 1 was due");
    refused(frames(1, 0), "frame 1 came where frame 0 was due");
  }

  @Test
  void anAnnouncedFrameCostsNoMemoryBeforeItArrives() {
    FrameReader reader = new FrameReader(FrameLimits.proven(), CHUNK);
    feed(reader, header(64 << 20, 0x20, 0, 0, 0), 12);
    for (int i = 0; i < 8; i++) {
      feed(reader, ByteBuffer.allocate(1024), 1024);
      assertThat(reader.capacity()).isLessThanOrEqualTo(2 * CHUNK);
    }
  }

  @Test
  void memoryStaysBelowTheFrameAndTwoRecordsAndIsGivenBack() {
    FrameReader reader = new FrameReader(FrameLimits.proven(), CHUNK);
    int length = 5_000_000;
    ByteBuffer large = frame(length, 0x20, 0);
    assertThat(feed(reader, large, CHUNK)).isEqualTo(1);
    assertThat(reader.capacity()).isBetween(length, length + 2 * CHUNK);
    for (int i = 0; i < 12; i++) {
      reader.trim();
      reader.space();
    }
    assertThat(reader.capacity()).isLessThanOrEqualTo(2 * CHUNK);
    assertThat(feed(reader, frame(100, 0x20, 1), CHUNK)).isEqualTo(1);
  }

  @Test
  void unprovenPeersGetTheirFixedBufferOnly() {
    FrameReader reader = new FrameReader(FrameLimits.unproven(), CHUNK);
    int before = reader.capacity();
    assertThatThrownBy(() -> feed(reader, frame(100, 0x20, 0), CHUNK))
        .isInstanceOf(ProtocolException.class);
    FrameReader another = new FrameReader(FrameLimits.unproven(), CHUNK);
    feed(another, frame(12 << 10, FrameType.HELLO, 0), 1000);
    assertThat(another.capacity()).isLessThanOrEqualTo(2 * before);
  }

  @Test
  void nothingIsAllocatedPerFrameOnceWarm() {
    FrameReader reader = new FrameReader(FrameLimits.proven(), CHUNK);
    ByteBuffer[] mixed = new ByteBuffer[30_000];
    for (int i = 0; i < mixed.length; i++) {
      mixed[i] = frame(i % 100 == 7 ? 100_000 : i % 50, 0x20, i);
    }
    int half = mixed.length / 2;
    for (int i = 0; i < half; i++) {
      feed(reader, mixed[i], CHUNK);
    }
    com.sun.management.ThreadMXBean threads =
        (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    int frames = 0;
    for (int i = half; i < mixed.length; i++) {
      frames += feed(reader, mixed[i], CHUNK);
    }
    long allocated = threads.getCurrentThreadAllocatedBytes() - before;
    assertThat(frames).isEqualTo(half);
    assertThat(allocated).isLessThan(10_000);
  }

  /** Writes at most {@code step} bytes at a time; the number of frames that came out. */
  private static int feed(FrameReader reader, ByteBuffer bytes, int step) {
    int frames = 0;
    int end = bytes.limit();
    while (bytes.position() < end) {
      ByteBuffer space = reader.space();
      bytes.limit(Math.min(end, bytes.position() + Math.min(step, space.remaining())));
      space.put(bytes);
      while (reader.next()) {
        frames++;
      }
    }
    return frames;
  }

  private static void refused(ByteBuffer bytes, String message) {
    assertThatThrownBy(() -> feed(new FrameReader(FrameLimits.proven(), CHUNK), bytes, CHUNK))
        .isInstanceOf(ProtocolException.class)
        .hasMessageContaining(message);
  }

  private static ByteBuffer header(int length, int type, int flags, int reserved, int sequence) {
    ByteBuffer header = ByteBuffer.allocate(12).order(ByteOrder.LITTLE_ENDIAN);
    header.putInt(length).put((byte) type).put((byte) flags).putShort((short) reserved);
    return header.putInt(sequence).flip();
  }

  private static ByteBuffer frame(int length, int type, int sequence) {
    ByteBuffer frame = ByteBuffer.allocate(12 + length);
    frame.put(header(length, type, 0, 0, sequence));
    frame.clear();
    return frame;
  }

  private static ByteBuffer frames(int... sequences) {
    ByteBuffer frames = ByteBuffer.allocate(sequences.length * 22);
    for (int sequence : sequences) {
      frames.put(frame(10, 0x21, sequence));
    }
    return frames.flip();
  }
}
