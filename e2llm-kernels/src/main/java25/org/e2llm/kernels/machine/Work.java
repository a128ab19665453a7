package org.e2llm.kernels.machine;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.e2llm.kernels.math.Scratch;

/**
 * The working memory of one thread outside the heap, where the garbage collector moves nothing:
 *
 * <pre>
 *   0      what a kernel keeps of the blocks that it takes
 *   2032   where the activations of the first token are, and how far apart those of the others
 *   2048   products of four tokens: {@link #TURNS} floats for each of four streams
 *   18432  activations; or the panel, and what {@link ManyTokens} has behind it
 * </pre>
 *
 * It lives as long as the {@link Scratch} that keeps it.
 */
final class Work {
  static final int TOKENS_AT = 2032;
  static final int TOKENS_APART = TOKENS_AT + 8;
  static final int OUT = TOKENS_APART + 8;

  /** Most turns of a call. */
  static final int TURNS = 256;

  static final int X = OUT + products(RowKernel.TOKENS, 0);

  /** Between activations of tokens, so that they do not fall on the same lines of the L1 cache. */
  private static final int APART = 5 * 64;

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

  /** From activations of a token to those of the next. */
  static long tokenBytes(int columns) {
    return 4L * columns + APART;
  }

  /**
   * Takes the activations of tokens in, {@link #tokenBytes} apart, from {@code at} bytes behind
   * {@link #X} on.
   */
  void setX(float[] x, int offset, int stride, int tokens, int columns, long at) {
    for (int t = 0; t < tokens; t++) {
      long to = X + at + t * tokenBytes(columns);
      MemorySegment.copy(x, offset + t * stride, memory, JAVA_FLOAT, to, columns);
    }
  }

  /** Zeroes bytes behind {@link #X}. */
  void clear(long from, long to) {
    memory.asSlice(X + from, to - from).fill((byte) 0);
  }

  /** Bytes from {@link #OUT} to the products of a token with the k-th stream. */
  static int products(int token, int k) {
    return 4 * TURNS * (RowKernel.ROWS * token + k);
  }

  /** Says whose activations are next, {@code at} bytes behind {@link #X}. */
  void setTokens(long at, long apart) {
    memory.set(JAVA_LONG, TOKENS_AT, memory.address() + X + at);
    memory.set(JAVA_LONG, TOKENS_APART, apart);
  }

  /** Gives n products of a token with the k-th stream. */
  void copyProducts(int token, int k, int n, float[] out, int outOffset) {
    MemorySegment.copy(memory, JAVA_FLOAT, OUT + products(token, k), out, outOffset, n);
  }

  /** Gives floats, {@code at} bytes behind {@link #X}. */
  void copy(long at, int n, float[] out, int outOffset) {
    MemorySegment.copy(memory, JAVA_FLOAT, X + at, out, outOffset, n);
  }
}
