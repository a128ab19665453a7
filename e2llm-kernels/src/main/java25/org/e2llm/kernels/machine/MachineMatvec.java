package org.e2llm.kernels.machine;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.EnumMap;
import java.util.Map;
import org.e2llm.kernels.math.Scratch;
import org.e2llm.kernels.math.SegmentTensor;
import org.e2llm.model.GgmlType;
import org.jspecify.annotations.Nullable;

/**
 * The kernels of this package as functions in memory, and the calls to them.
 *
 * <p>Calls are plain ones, which let the garbage collector run meanwhile, not critical ones, which
 * would let it wait: x is copied out of the heap before and the products into it after, a
 * thousandth of the bytes of the weights. The weights go in as a segment, so that closing their
 * arena fails while they are read.
 */
final class MachineMatvec {
  private static final MethodHandle CALL =
      Linker.nativeLinker()
          .downcallHandle(
              FunctionDescriptor.ofVoid(
                  ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS));

  private final @Nullable RowKernel[] kernels = new RowKernel[GgmlType.values().length];
  private final @Nullable MemorySegment[] functions = new MemorySegment[kernels.length];

  /**
   * @throws UnsupportedOperationException if the system does not let us
   */
  MachineMatvec() {
    Map<GgmlType, RowKernel> all = new EnumMap<>(GgmlType.class);
    all.put(GgmlType.F16, new F16Rows());
    all.put(GgmlType.Q8_0, new Q80Rows());
    all.put(GgmlType.Q4_0, new Q40Rows());
    all.put(GgmlType.Q4_K, new Q4KRows());
    all.put(GgmlType.Q6_K, new Q6KRows());
    Assembler assembler = new Assembler();
    Map<GgmlType, Integer> starts = new EnumMap<>(GgmlType.class);
    all.forEach(
        (type, kernel) -> {
          starts.put(type, assembler.position());
          kernel.emit(assembler);
        });
    MemorySegment code = ExecutableCode.of(assembler.code());
    starts.forEach((type, start) -> functions[type.ordinal()] = code.asSlice(start));
    all.forEach((type, kernel) -> kernels[type.ordinal()] = kernel);
  }

  /** Whether there is a kernel for this type. */
  boolean has(GgmlType type) {
    return kernels[type.ordinal()] != null;
  }

  /** Whether there is a kernel for this tensor. */
  boolean takes(SegmentTensor w) {
    RowKernel kernel = kernels[w.type().ordinal()];
    return kernel != null && w.columns() % kernel.blockColumns == 0 && w.segment().isNative();
  }

  /** As {@link org.e2llm.kernels.math.Kernels#matmul} with one token. */
  void multiply(
      SegmentTensor w,
      int rowFrom,
      int rowTo,
      float[] x,
      int xOffset,
      float[] out,
      int outOffset,
      Scratch scratch) {
    if (rowFrom < 0 || rowTo > w.rows()) {
      throw new IndexOutOfBoundsException(
          "rows " + rowFrom + " to " + rowTo + " of " + w.name() + ", which has " + w.rows());
    }
    Work work = Work.of(scratch, w.columns());
    work.setX(x, xOffset, w.columns());
    int row = rowFrom;
    while (row < rowTo) {
      int left = rowTo - row;
      if (left < RowKernel.ROWS) {
        // The last rows: with some before them once more, or a row four times at once.
        row = rowTo - rowFrom >= RowKernel.ROWS ? rowTo - RowKernel.ROWS : row;
      }
      boolean alone = rowTo - row < RowKernel.ROWS;
      int turns = alone ? 1 : Math.min((rowTo - row) / RowKernel.ROWS, Work.TURNS);
      call(w, row, alone ? 0 : turns, turns, work);
      for (int k = 0; k < (alone ? 1 : RowKernel.ROWS); k++) {
        work.products(k, turns, out, outOffset + row + k * turns);
      }
      row += alone ? 1 : RowKernel.ROWS * turns;
    }
  }

  /**
   * @param apart rows from one stream to the next
   */
  private void call(SegmentTensor w, int row, int apart, int turns, Work work) {
    int type = w.type().ordinal();
    MemorySegment function = functions[type];
    RowKernel kernel = kernels[type];
    if (function == null || kernel == null) {
      throw new IllegalArgumentException("no kernel for " + w.type());
    }
    try {
      CALL.invokeExact(
          function,
          w.segment(),
          row * w.rowBytes(),
          apart * w.rowBytes(),
          (long) (w.columns() / kernel.blockColumns),
          (long) turns,
          work.memory());
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }
}
