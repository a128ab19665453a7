package org.e2llm.transport.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.e2llm.cluster.ProtocolException;

class FrameProperties {
  private static final int CHUNK = 512;

  @Property(tries = 300)
  void howeverTheStreamIsCutTheFramesAreTheSame(
      @ForAll @Size(max = 30) List<@IntRange(max = 3000) Integer> lengths, @ForAll long seed) {
    List<byte[]> sent = payloads(lengths, seed);
    assertThat(read(stream(sent), new Random(seed)))
        .usingElementComparator(Arrays::compare)
        .containsExactlyElementsOf(sent);
  }

  @Property(tries = 300)
  void aDamagedHeaderIsNeverTakenForAWholeStream(
      @ForAll @Size(min = 1, max = 10) List<@IntRange(max = 300) Integer> lengths,
      @ForAll @IntRange(max = 12 * 8 - 1) int bit,
      @ForAll long seed) {
    List<byte[]> sent = payloads(lengths, seed);
    byte[] stream = stream(sent);
    int frame = new Random(seed).nextInt(sent.size());
    int at = sent.subList(0, frame).stream().mapToInt(payload -> 12 + payload.length).sum();
    int wrong = at + bit / 8;
    stream[wrong] ^= (byte) (1 << bit % 8);
    List<byte[]> arrived = new ArrayList<>();
    boolean refused = false;
    try {
      arrived = read(stream, new Random(seed));
    } catch (ProtocolException expected) {
      refused = true;
    }
    boolean typeOnly = bit / 8 == FrameHeader.TYPE;
    boolean same = Arrays.deepEquals(arrived.toArray(), sent.toArray());
    assertThat(refused || typeOnly || !same).isTrue();
  }

  private static List<byte[]> payloads(List<Integer> lengths, long seed) {
    Random random = new Random(seed);
    List<byte[]> payloads = new ArrayList<>();
    for (int length : lengths) {
      byte[] payload = new byte[length];
      random.nextBytes(payload);
      payloads.add(payload);
    }
    return payloads;
  }

  private static byte[] stream(List<byte[]> payloads) {
    int bytes = payloads.stream().mapToInt(payload -> 12 + payload.length).sum();
    ByteBuffer stream = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < payloads.size(); i++) {
      FrameHeader.put(stream, stream.position(), payloads.get(i).length, (byte) 0x22, i);
      stream.position(stream.position() + 12);
      stream.put(payloads.get(i));
    }
    return stream.array();
  }

  private static List<byte[]> read(byte[] stream, Random random) {
    FrameReader reader = new FrameReader(FrameLimits.proven(), CHUNK);
    List<byte[]> frames = new ArrayList<>();
    int at = 0;
    while (at < stream.length) {
      ByteBuffer space = reader.space();
      int n = Math.min(stream.length - at, 1 + random.nextInt(Math.min(CHUNK, space.remaining())));
      space.put(stream, at, n);
      at += n;
      while (reader.next()) {
        byte[] payload = new byte[reader.payload().remaining()];
        reader.payload().get(payload);
        frames.add(payload);
      }
    }
    return frames;
  }
}
