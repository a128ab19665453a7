package org.e2llm.kernels.machine;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.e2llm.kernels.math.Scratch;

/**
 * The working memory of one thread outside the heap, where the garbage collector moves nothing:
 *
 * <pre>
 *   0     what a kernel keeps of the blocks that it multiplies
 *   2048  products: {@link #TURNS} floats for each of four streams
 *   6144  x
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
  private final int columns;

  private Work(int columns) {
    this.columns = columns;
    this.memory = Arena.ofAuto().allocate(X + 4L * columns, 64);
  }

  /** The scratch's, with room for {@code columns} activations. */
  static Work of(Scratch scratch, int columns) {
    if (scratch.attachment() instanceof Work work && work.columns >= columns) {
      return work;
    }
    Work work = new Work(columns);
    scratch.attach(work);
    return work;
  }

  MemorySegment memory() {
    return memory;
  }

  void setX(float[] x, int offset, int n) {
    MemorySegment.copy(x, offset, memory, JAVA_FLOAT, X, n);
  }

  /** The products of one stream's rows. */
  void products(int stream, int rows, float[] out, int outOffset) {
    MemorySegment.copy(memory, JAVA_FLOAT, OUT + 4L * TURNS * stream, out, outOffset, rows);
  }
}
