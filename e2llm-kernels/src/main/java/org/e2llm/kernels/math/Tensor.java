package org.e2llm.kernels.math;

import java.nio.ByteBuffer;
import org.e2llm.model.GgmlType;

/**
 * A weight matrix as it lies in the file: rows of equal size, each of whole quantisation blocks,
 * read-only and shared between threads.
 *
 * <p>Bytes are reached through buffers under 2 GiB, each of which holds whole rows. On JDK 25 a
 * subclass adds the memory segment of the whole tensor.
 */
public abstract class Tensor {
  private final String name;
  private final GgmlType type;
  private final int rows;
  private final int columns;
  private final long rowBytes;

  protected Tensor(String name, GgmlType type, int rows, int columns) {
    this.name = name;
    this.type = type;
    this.rows = rows;
    this.columns = columns;
    this.rowBytes = type.bytes(columns);
  }

  /** As in GGUF, such as {@code blk.0.attn_q.weight}. */
  public final String name() {
    return name;
  }

  public final GgmlType type() {
    return type;
  }

  /** Outputs of the matrix product. */
  public final int rows() {
    return rows;
  }

  /** Inputs of the matrix product; a multiple of the type's block size. */
  public final int columns() {
    return columns;
  }

  /** Bytes from one row to the next. */
  public final long rowBytes() {
    return rowBytes;
  }

  /** The little-endian buffer that holds {@code row}; use absolute reads only. */
  public abstract ByteBuffer buffer(int row);

  /** Where {@code row} starts in {@link #buffer}. */
  public abstract int offset(int row);
}
