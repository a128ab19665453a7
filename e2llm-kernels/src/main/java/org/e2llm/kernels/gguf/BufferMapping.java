package org.e2llm.kernels.gguf;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.e2llm.UnsupportedModelException;
import org.e2llm.kernels.math.Tensor;
import org.e2llm.model.GgmlType;

/**
 * Weights in mapped buffers, each of which holds whole rows and stays under 2 GiB. Java has no way
 * to unmap them: that happens when the last tensor that uses one is collected.
 */
final class BufferMapping implements WeightMapping {
  /** Half of what a buffer could be, so that no runtime's rounding to pages comes near 2 GiB. */
  static final long MAX_PIECE_BYTES = 1L << 30;

  private final Map<String, Pieces> pieces = new HashMap<>();
  private long mappedBytes;

  /** Maps {@code tensors} in buffers of at most {@code limit} bytes. */
  BufferMapping(GgufFile file, List<TensorInfo> tensors, long limit) throws IOException {
    for (Region region : Region.cover(tensors, limit)) {
      if (region.bytes() <= limit) {
        ByteBuffer shared = map(file, region.file(), region.start(), region.bytes());
        for (TensorInfo tensor : region.tensors()) {
          int first = (int) (tensor.offset() - region.start());
          pieces.put(tensor.name(), new Pieces(List.of(shared), first, Integer.MAX_VALUE));
        }
      } else {
        TensorInfo tensor = region.tensors().get(0);
        pieces.put(tensor.name(), mapByRows(file, tensor, limit));
      }
    }
  }

  /** Where a tensor's rows are: in buffer {@code row / rows}, the first row at {@code first}. */
  private record Pieces(List<ByteBuffer> buffers, int first, int rows) {}

  private Pieces mapByRows(GgufFile file, TensorInfo tensor, long limit) throws IOException {
    long rowBytes = tensor.type().bytes(tensor.shape().get(0));
    long rows = limit / rowBytes;
    if (rows == 0) {
      throw new UnsupportedModelException(
          "tensor "
              + tensor.name()
              + ": a row of "
              + rowBytes
              + " bytes is beyond the limit of "
              + limit);
    }
    List<ByteBuffer> buffers = new ArrayList<>();
    for (long from = 0; from < tensor.bytes(); from += rows * rowBytes) {
      long size = Math.min(rows * rowBytes, tensor.bytes() - from);
      buffers.add(map(file, tensor.file(), tensor.offset() + from, size));
    }
    return new Pieces(buffers, 0, (int) rows);
  }

  private ByteBuffer map(GgufFile file, int part, long start, long size) throws IOException {
    mappedBytes += size;
    return file.channel(part)
        .map(FileChannel.MapMode.READ_ONLY, file.channelOffset(part) + start, size)
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public Tensor tensor(TensorInfo info, int rows, int columns) {
    Pieces found = pieces.get(info.name());
    if (found == null) {
      throw new IllegalArgumentException("tensor " + info.name() + " is not mapped");
    }
    return new BufferTensor(info.name(), info.type(), rows, columns, found);
  }

  @Override
  public long mappedBytes() {
    return mappedBytes;
  }

  @Override
  public void close() {
    pieces.clear();
    mappedBytes = 0;
  }

  private static final class BufferTensor extends Tensor {
    private final ByteBuffer[] buffers;
    private final int first;
    private final int rowsPerBuffer;

    BufferTensor(String name, GgmlType type, int rows, int columns, Pieces pieces) {
      super(name, type, rows, columns);
      this.buffers = pieces.buffers().toArray(new ByteBuffer[0]);
      this.first = pieces.first();
      this.rowsPerBuffer = pieces.rows();
    }

    @Override
    public ByteBuffer buffer(int row) {
      return buffers[row / rowsPerBuffer];
    }

    @Override
    public int offset(int row) {
      return first + (int) (row % rowsPerBuffer * rowBytes());
    }
  }
}
