package org.e2llm.kernels.profile;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.e2llm.kernels.math.SegmentTensor;
import org.e2llm.kernels.math.Tensor;
import org.e2llm.model.GgmlType;

/** Sample weights in memory segments. Made by reflection, so that base code does not link to it. */
final class SegmentMemory implements SampleMemory {
  private static final int CACHE_LINE = 64;

  private final byte[] pattern = SampleMemory.pattern();
  private final Arena arena = Arena.ofShared();

  SegmentMemory() {}

  @Override
  public Tensor tensor(GgmlType type, int rows, int columns) {
    long bytes = rows * type.bytes(columns);
    MemorySegment memory = arena.allocate(bytes, CACHE_LINE);
    for (long at = 0; at < bytes; at += pattern.length) {
      int part = (int) Math.min(pattern.length, bytes - at);
      MemorySegment.copy(pattern, 0, memory, ValueLayout.JAVA_BYTE, at, part);
    }
    return new SegmentTensor("sample", type, rows, columns, memory);
  }

  @Override
  public void close() {
    arena.close();
  }
}
