package org.e2llm.kernels.machine;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import org.e2llm.kernels.math.SegmentTensor;
import org.e2llm.model.GgmlType;
import org.jspecify.annotations.Nullable;

/**
 * The kernels of this package as functions in memory, and the calls to them.
 *
 * <p>Calls are plain ones, which let the garbage collector run meanwhile, not critical ones, which
 * would let it wait: activations are copied out of the heap before and the products into it after.
 * The weights go in as a segment, so that closing their arena fails while they are read.
 */
final class Functions {
  private static final Linker LINKER = Linker.nativeLinker();

  private static final MethodHandle ROWS =
      LINKER.downcallHandle(
          FunctionDescriptor.ofVoid(ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS));

  private static final MethodHandle TILE =
      LINKER.downcallHandle(
          FunctionDescriptor.ofVoid(
              JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG));

  private static final MethodHandle FOLD =
      LINKER.downcallHandle(FunctionDescriptor.ofVoid(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG));

  /** What there is for a type of weights. */
  private record Rows(RowKernel kernel, MemorySegment[] products, MemorySegment panel) {}

  private final @Nullable Rows[] rows = new Rows[GgmlType.values().length];
  private final MemorySegment[] tiles = new MemorySegment[TileKernel.TOKENS + 1];
  private final MemorySegment fold;

  /**
   * @throws UnsupportedOperationException if the system does not let us
   */
  Functions() {
    Map<GgmlType, RowKernel> kernels = new EnumMap<>(GgmlType.class);
    kernels.put(GgmlType.F16, new F16Rows());
    kernels.put(GgmlType.Q8_0, new Q80Rows());
    kernels.put(GgmlType.Q4_0, new Q40Rows());
    kernels.put(GgmlType.Q4_K, new Q4KRows());
    kernels.put(GgmlType.Q6_K, new Q6KRows());
    Assembler a = new Assembler();
    int[][] products = new int[rows.length][RowKernel.TOKENS + 1];
    int[] panels = new int[rows.length];
    kernels.forEach(
        (type, kernel) -> {
          for (int tokens = 1; tokens <= RowKernel.TOKENS; tokens++) {
            products[type.ordinal()][tokens] = start(a);
            kernel.emitProduct(a, tokens);
          }
          panels[type.ordinal()] = start(a);
          kernel.emitPanel(a);
          kernel.constants(a);
        });
    int[] tileStarts = new int[tiles.length];
    for (int tokens = 1; tokens < tiles.length; tokens++) {
      tileStarts[tokens] = start(a);
      TileKernel.emit(a, tokens);
    }
    int foldStart = start(a);
    TileKernel.emitFold(a);
    MemorySegment code = ExecutableCode.of(a.code());
    kernels.forEach(
        (type, kernel) -> {
          int i = type.ordinal();
          MemorySegment[] byTokens = new MemorySegment[RowKernel.TOKENS + 1];
          Arrays.setAll(byTokens, tokens -> code.asSlice(products[i][tokens]));
          rows[i] = new Rows(kernel, byTokens, code.asSlice(panels[i]));
        });
    Arrays.setAll(tiles, tokens -> code.asSlice(tileStarts[tokens]));
    fold = code.asSlice(foldStart);
  }

  private static int start(Assembler a) {
    a.align(64);
    return a.position();
  }

  /** Whether there are kernels for this type. */
  boolean has(GgmlType type) {
    return rows[type.ordinal()] != null;
  }

  /** Whether there are kernels for this tensor. */
  boolean takes(SegmentTensor w) {
    Rows found = rows[w.type().ordinal()];
    return found != null && w.columns() % found.kernel.blockColumns == 0 && w.segment().isNative();
  }

  /**
   * Multiplies rows with tokens in the working memory, as {@link RowKernel} says.
   *
   * @param apart rows from one stream to the next
   * @param tokens 1 to {@link RowKernel#TOKENS}
   */
  void product(SegmentTensor w, int row, int apart, int turns, int tokens, Work work) {
    Rows found = rows(w);
    long blocks = w.columns() / found.kernel.blockColumns;
    call(found.products[tokens], w, row * w.rowBytes(), apart, blocks, turns, work);
  }

  /**
   * Fills the panel with columns of four rows, as {@link RowKernel} says.
   *
   * @param apart rows from one to the next
   * @param column first of them, and {@code columns}: multiples of what a block has
   */
  void panel(SegmentTensor w, int row, int apart, int column, int columns, Work work) {
    Rows found = rows(w);
    RowKernel kernel = found.kernel;
    long offset = row * w.rowBytes() + (long) column / kernel.blockColumns * kernel.blockBytes;
    call(found.panel, w, offset, apart, columns / kernel.blockColumns, 1, work);
  }

  private Rows rows(SegmentTensor w) {
    return Objects.requireNonNull(rows[w.type().ordinal()], () -> "no kernel for " + w.type());
  }

  private static void call(
      MemorySegment function,
      SegmentTensor w,
      long offset,
      int apart,
      long blocks,
      int turns,
      Work work) {
    try {
      ROWS.invokeExact(
          function, w.segment(), offset, apart * w.rowBytes(), blocks, (long) turns, work.memory());
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Multiplies the panel with tokens, as {@link TileKernel} says.
   *
   * @param x address of the first token's activations
   * @param bytes of a token's activations that belong to the panel
   * @param sums address of the first token's partial sums
   */
  void tile(long x, long stride, long bytes, int tokens, long sums, long panel) {
    int times = tokens / TileKernel.TOKENS;
    int whole = times * TileKernel.TOKENS;
    try {
      if (times > 0) {
        TILE.invokeExact(tiles[TileKernel.TOKENS], x, stride, bytes, (long) times, sums, panel);
      }
      if (tokens > whole) {
        long rest = sums + (long) whole * TileKernel.SUM_BYTES;
        TILE.invokeExact(tiles[tokens - whole], x + whole * stride, stride, bytes, 1L, rest, panel);
      }
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  /** Adds partial sums up, as {@link TileKernel#emitFold} says. */
  void fold(long sums, int tokens, long products, long stride) {
    try {
      FOLD.invokeExact(fold, sums, (long) tokens, products, stride);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }
}
