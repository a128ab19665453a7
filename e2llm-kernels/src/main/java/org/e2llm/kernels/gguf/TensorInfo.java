package org.e2llm.kernels.gguf;

import java.util.List;
import org.e2llm.model.GgmlType;

/**
 * Where a tensor lies, as the header says; checked to be inside its file.
 *
 * @param name such as {@code blk.0.attn_q.weight}
 * @param type of its elements
 * @param shape one to four dimensions, the contiguous one (columns) first
 * @param file index in the split set; 0 where there is one file
 * @param offset first byte in that file
 * @param bytes size of the data
 */
public record TensorInfo(
    String name, GgmlType type, List<Long> shape, int file, long offset, long bytes) {
  public TensorInfo {
    shape = List.copyOf(shape);
  }

  /** Product of the shape. */
  public long elements() {
    long product = 1;
    for (long dimension : shape) {
      product *= dimension;
    }
    return product;
  }
}
