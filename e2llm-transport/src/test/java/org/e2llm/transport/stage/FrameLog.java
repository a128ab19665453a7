package org.e2llm.transport.stage;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import org.e2llm.transport.wire.FrameType;

/** The last frames between each two peers and what became of them. Thread-safe. */
final class FrameLog {
  private static final int KEPT = 100;

  private record Entry(long micros, String what, String from, String to, byte type, byte[] head) {
    @Override
    public String toString() {
      StringBuilder text = new StringBuilder();
      text.append(micros).append(' ').append(from).append('>').append(to).append(' ').append(what);
      text.append(' ').append(FrameType.name(type));
      ByteBuffer in = ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN);
      for (int i = 0; in.remaining() >= (i < 1 ? 8 : 4); i++) {
        text.append(' ').append(i < 1 ? Long.toHexString(in.getLong()) : "" + in.getInt());
      }
      return text.toString();
    }
  }

  private final long origin = System.nanoTime();
  private final Map<String, ArrayDeque<Entry>> lines = new TreeMap<>();
  private final Map<Byte, Integer> longest = new TreeMap<>();

  /** Something happened to a frame. */
  void add(String what, String from, String to, byte type, byte[] payload) {
    byte[] head = Arrays.copyOf(payload, Math.min(payload.length, 36));
    long micros = (System.nanoTime() - origin) / 1000;
    Entry entry = new Entry(micros, what, from, to, type, head);
    synchronized (this) {
      longest.merge(type, payload.length, Math::max);
      ArrayDeque<Entry> line = lines.computeIfAbsent(from + ">" + to, key -> new ArrayDeque<>());
      line.add(entry);
      if (line.size() > KEPT) {
        line.remove();
      }
    }
  }

  /** Of the longest payload of this type so far; 0 if there was none. */
  synchronized int mostBytes(byte type) {
    return longest.getOrDefault(type, 0);
  }

  /** Something happened to a connection. */
  void event(String what, String a, String b) {
    add(what, a, b, (byte) 0, new byte[0]);
  }

  @Override
  public synchronized String toString() {
    StringBuilder text = new StringBuilder();
    lines.forEach((line, entries) -> entries.forEach(entry -> text.append(entry).append('\n')));
    return text.toString();
  }
}
