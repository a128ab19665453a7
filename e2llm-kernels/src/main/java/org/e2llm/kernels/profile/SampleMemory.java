package org.e2llm.kernels.profile;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.SplittableRandom;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.kernels.math.Tensor;
import org.e2llm.model.GgmlType;

/**
 * Native memory full of weights of no meaning, as kernels get them from a mapped file: memory
 * segments on JDK 25, which are freed at close; elsewhere buffers, freed when they are collected.
 */
public interface SampleMemory extends AutoCloseable {
  /**
   * A matrix of its own memory.
   *
   * @throws OutOfMemoryError if the system or the JVM's limit does not give it
   */
  Tensor tensor(GgmlType type, int rows, int columns);

  @Override
  void close();

  /** The kind this runtime has. */
  static SampleMemory open() {
    try {
      Class<?> segments = Class.forName("org.e2llm.kernels.profile.SegmentMemory");
      return (SampleMemory) segments.getDeclaredConstructor().newInstance();
    } catch (ReflectiveOperationException | LinkageError e) {
      Logger.getLogger(SampleMemory.class.getName())
          .log(Level.FINE, "sample weights are in buffers: {0}", e.toString());
      return new Buffers();
    }
  }

  /**
   * Bytes to fill memory with, over and over. Random but for two bits of each: the highest bits of
   * the exponent, wherever a half or a float may lie, so that every scale is an ordinary number
   * (infinities would send kernels another way, subnormals slow them down).
   */
  static byte[] pattern() {
    byte[] pattern = new byte[1 << 20];
    new SplittableRandom(1).nextBytes(pattern);
    for (int i = 0; i < pattern.length; i++) {
      pattern[i] = (byte) ((pattern[i] & ~0x40) | 0x20);
    }
    return pattern;
  }

  /** In direct buffers, each under 2 GiB. */
  final class Buffers implements SampleMemory {
    private final byte[] pattern = pattern();

    @Override
    public Tensor tensor(GgmlType type, int rows, int columns) {
      int bytes = Math.toIntExact(rows * type.bytes(columns));
      ByteBuffer buffer = ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
      while (buffer.hasRemaining()) {
        buffer.put(pattern, 0, Math.min(pattern.length, buffer.remaining()));
      }
      return new Tensor("sample", type, rows, columns) {
        @Override
        public ByteBuffer buffer(int row) {
          return buffer;
        }

        @Override
        public int offset(int row) {
          return (int) (row * rowBytes());
        }
      };
    }

    @Override
    public void close() {
      // Java has no way to free them.
    }
  }
}
