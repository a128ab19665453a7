package org.e2llm.kernels.math;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.e2llm.model.GgmlType;

/**
 * A tensor in one memory segment, which may be larger than 2 GiB and start at any address.
 *
 * <p>The segment belongs to whoever mapped it: once its arena is closed, every access ends in an
 * {@link IllegalStateException}.
 */
public final class SegmentTensor extends Tensor {
  private static final long MAX_WINDOW_BYTES = 1L << 30;

  private final MemorySegment segment;
  private final int rowsPerWindow;
  private final ByteBuffer[] windows;

  /**
   * @param segment the bytes of the tensor, row after row; read only here
   * @throws IllegalArgumentException if the segment has not exactly the bytes of all rows
   */
  public SegmentTensor(String name, GgmlType type, int rows, int columns, MemorySegment segment) {
    super(name, type, rows, columns);
    if (segment.byteSize() != rowBytes() * rows) {
      throw new IllegalArgumentException(
          name + ": " + segment.byteSize() + " bytes for " + rows + " rows of " + rowBytes());
    }
    this.segment = segment;
    this.rowsPerWindow = (int) Math.max(1, Math.min(rows, MAX_WINDOW_BYTES / rowBytes()));
    this.windows = new ByteBuffer[(rows + rowsPerWindow - 1) / rowsPerWindow];
    for (int i = 0; i < windows.length; i++) {
      long from = (long) i * rowsPerWindow * rowBytes();
      long size = Math.min(segment.byteSize() - from, rowsPerWindow * rowBytes());
      windows[i] = segment.asSlice(from, size).asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    }
  }

  /** All rows; row {@code r} starts at {@code r * rowBytes()}. */
  public MemorySegment segment() {
    return segment;
  }

  @Override
  public ByteBuffer buffer(int row) {
    return windows[row / rowsPerWindow];
  }

  @Override
  public int offset(int row) {
    return (int) (row % rowsPerWindow * rowBytes());
  }
}
