package org.e2llm.kernels.gguf;

import java.nio.ByteBuffer;
import java.util.Collections;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.e2llm.ClosedException;
import org.e2llm.ModelFormatException;
import org.e2llm.UnsupportedModelException;
import org.e2llm.kernels.math.Half;
import org.e2llm.kernels.math.Tensor;
import org.e2llm.model.GgmlType;

/**
 * Some tensors of a file, mapped read-only. Owns the mapping: on JDK 25 {@link #close} unmaps at
 * once, and a tensor used after it throws {@link IllegalStateException}; elsewhere memory goes when
 * the tensors are collected. Safe for use by several threads; close it after the last use.
 */
public final class WeightSlice implements AutoCloseable {
  /** The types that kernels compute with. */
  public static final Set<GgmlType> COMPUTED =
      Collections.unmodifiableSet(
          EnumSet.of(
              GgmlType.F32,
              GgmlType.F16,
              GgmlType.BF16,
              GgmlType.Q8_0,
              GgmlType.Q4_0,
              GgmlType.Q4_1,
              GgmlType.Q5_0,
              GgmlType.Q5_1,
              GgmlType.Q2_K,
              GgmlType.Q3_K,
              GgmlType.Q4_K,
              GgmlType.Q5_K,
              GgmlType.Q6_K,
              GgmlType.IQ4_NL,
              GgmlType.IQ4_XS));

  private final String file;
  private final Map<String, TensorInfo> tensors = new LinkedHashMap<>();
  private final WeightMapping mapping;
  private volatile boolean closed;

  WeightSlice(String file, List<TensorInfo> tensors, WeightMapping mapping) {
    this.file = file;
    for (TensorInfo tensor : tensors) {
      this.tensors.put(tensor.name(), tensor);
    }
    this.mapping = mapping;
  }

  /** Whether the slice holds a tensor of this name. */
  public boolean has(String name) {
    return tensors.containsKey(name);
  }

  /**
   * A matrix. Its dimensions in the file are columns, then rows; a tensor of one dimension is one
   * row.
   *
   * @throws ModelFormatException where the slice has no such tensor
   * @throws UnsupportedModelException for types and shapes that no kernel computes
   */
  public Tensor tensor(String name) {
    TensorInfo info = info(name);
    List<Long> shape = info.shape();
    if (!COMPUTED.contains(info.type())) {
      throw new UnsupportedModelException(
          at(name) + "type " + info.type() + " is not computed; computed are " + COMPUTED);
    }
    for (int i = 2; i < shape.size(); i++) {
      if (shape.get(i) != 1) {
        throw new UnsupportedModelException(
            at(name) + "shape " + shape + " is not computed; expected at most two dimensions");
      }
    }
    int columns = dimension(name, shape, 0);
    int rows = shape.size() == 1 ? 1 : dimension(name, shape, 1);
    return mapping.tensor(info, rows, columns);
  }

  /**
   * A vector of F32, F16 or BF16, widened to F32 in an array of its own.
   *
   * @throws ModelFormatException where the slice has no such tensor or it is no vector
   * @throws UnsupportedModelException for other types
   */
  public float[] floats(String name) {
    TensorInfo info = info(name);
    if (info.elements() != info.shape().get(0)) {
      throw new ModelFormatException(
          at(name) + "shape " + info.shape() + ", expected one dimension");
    }
    int count = dimension(name, info.shape(), 0);
    float[] values = new float[count];
    Tensor row = mapping.tensor(info, 1, count);
    ByteBuffer bytes = row.buffer(0);
    int offset = row.offset(0);
    for (int i = 0; i < count; i++) {
      values[i] =
          switch (info.type()) {
            case F32 -> bytes.getFloat(offset + 4 * i);
            case F16 -> Half.toFloat(bytes.getShort(offset + 2 * i));
            case BF16 -> Half.bfloatToFloat(bytes.getShort(offset + 2 * i));
            default ->
                throw new UnsupportedModelException(
                    at(name) + "type " + info.type() + ", expected F32, F16 or BF16 for a vector");
          };
    }
    return values;
  }

  /** Bytes of address space that the mapping takes; 0 once closed. */
  public long mappedBytes() {
    return closed ? 0 : mapping.mappedBytes();
  }

  /** Gives the memory back; idempotent. */
  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      mapping.close();
    }
  }

  private TensorInfo info(String name) {
    if (closed) {
      throw new ClosedException(file + ": the weights are closed");
    }
    TensorInfo info = tensors.get(name);
    if (info == null) {
      throw new ModelFormatException(at(name) + "missing");
    }
    return info;
  }

  private int dimension(String name, List<Long> shape, int index) {
    long size = shape.get(index);
    if (size > Integer.MAX_VALUE) {
      throw new UnsupportedModelException(
          at(name)
              + "dimension "
              + index
              + " is "
              + size
              + ", beyond the limit of "
              + Integer.MAX_VALUE);
    }
    return (int) size;
  }

  private String at(String name) {
    return file + ": tensor " + name + ": ";
  }
}
