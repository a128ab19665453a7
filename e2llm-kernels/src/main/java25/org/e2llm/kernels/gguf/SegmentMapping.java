package org.e2llm.kernels.gguf;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.e2llm.kernels.math.SegmentTensor;
import org.e2llm.kernels.math.Tensor;

/**
 * Weights in memory segments of one shared arena, which {@link #close} unmaps. The arena makes sure
 * that a thread that still uses a tensor gets an {@link IllegalStateException}, not a crash.
 */
final class SegmentMapping implements WeightMapping {
  private final Arena arena = Arena.ofShared();
  private final Map<String, MemorySegment> segments = new HashMap<>();
  private long mappedBytes;

  /** Made by reflection, so that base code does not link to this class. */
  static final class Maker implements Factory {
    Maker() {}

    @Override
    public WeightMapping map(GgufFile file, List<TensorInfo> tensors) throws IOException {
      return new SegmentMapping(file, tensors);
    }
  }

  private SegmentMapping(GgufFile file, List<TensorInfo> tensors) throws IOException {
    try {
      for (Region region : Region.cover(tensors, Long.MAX_VALUE)) {
        map(file, region);
      }
    } catch (IOException | RuntimeException | Error e) {
      arena.close();
      throw e;
    }
  }

  private void map(GgufFile file, Region region) throws IOException {
    FileChannel channel = file.channel(region.file());
    long start = file.channelOffset(region.file()) + region.start();
    MemorySegment mapped = channel.map(FileChannel.MapMode.READ_ONLY, start, region.bytes(), arena);
    mappedBytes += region.bytes();
    for (TensorInfo tensor : region.tensors()) {
      segments.put(tensor.name(), mapped.asSlice(tensor.offset() - region.start(), tensor.bytes()));
    }
  }

  @Override
  public Tensor tensor(TensorInfo info, int rows, int columns) {
    MemorySegment segment = segments.get(info.name());
    if (segment == null) {
      throw new IllegalArgumentException("tensor " + info.name() + " is not mapped");
    }
    return new SegmentTensor(info.name(), info.type(), rows, columns, segment);
  }

  @Override
  public long mappedBytes() {
    return mappedBytes;
  }

  @Override
  public void close() {
    arena.close();
  }
}
