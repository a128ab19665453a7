package org.e2llm.kernels.machine;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.e2llm.kernels.math.Scratch;

/**
 * The working memory of one thread outside the heap, where the garbage collector moves nothing:
 *
 * <pre>
 *   0     what a kernel keeps of the blocks that it takes
 *   2048  products of one token: {@link #TURNS} floats for each of four streams
 *   6144  x of one token; or the panel, and what {@link MachineMatmul} has behind it
 * </pre>
 *
 * It lives as long as the {@link Scratch} that keeps it.
 */
final class Work {
  static final int OUT = 2048;

  /** Most turns of a call. */
  static final int TURNS = 256;

  static final int X = OUT + 4 * RowKernel.ROWS * TURNS;

  private final MemorySegment memory;

  private Work(long bytes) {
    this.memory = Arena.ofAuto().allocate(bytes, 64);
  }

  /** The scratch's, with at least so many bytes from {@link #X} on. */
  static Work of(Scratch scratch, long bytes) {
    if (scratch.attachment() instanceof Work work && work.memory.byteSize() >= X + bytes) {
      return work;
    }
    Work work = new Work(X + bytes);
    scratch.attach(work);
    return work;
  }

  MemorySegment memory() {
    return memory;
  }

  /** Takes activations in, {@code at} bytes behind {@link #X}. */
  void setX(float[] x, int offset, int n, long at) {
    MemorySegment.copy(x, offset, memory, JAVA_FLOAT, X + at, n);
  }

  /** Zeroes bytes behind {@link #X}. */
  void clear(long from, long to) {
    memory.asSlice(X + from, to - from).fill((byte) 0);
  }

  /** Gives products of one token, from the {@code first} on. */
  void products(int first, int n, float[] out, int outOffset) {
    MemorySegment.copy(memory, JAVA_FLOAT, OUT + 4L * first, out, outOffset, n);
  }

  /** Gives floats, {@code at} bytes behind {@link #X}. */
  void copy(long at, int n, float[] out, int outOffset) {
    MemorySegment.copy(memory, JAVA_FLOAT, X + at, out, outOffset, n);
  }
}
