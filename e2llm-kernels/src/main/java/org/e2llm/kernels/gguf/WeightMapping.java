package org.e2llm.kernels.gguf;

import java.io.IOException;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.E2llmException;
import org.e2llm.kernels.math.Tensor;

/**
 * Read-only memory over some tensors of a file. On JDK 25 it is memory segments, which are unmapped
 * at close; elsewhere it is buffers, which are unmapped when they are collected.
 */
interface WeightMapping extends AutoCloseable {
  /** The tensor as {@code rows} rows of {@code columns}; reading after close is an error. */
  Tensor tensor(TensorInfo info, int rows, int columns);

  /** Bytes of address space in use. */
  long mappedBytes();

  @Override
  void close();

  /** Makes mappings of one kind. */
  interface Factory {
    WeightMapping map(GgufFile file, List<TensorInfo> tensors) throws IOException;
  }

  /** Maps {@code tensors} by the best means this runtime has. */
  static WeightMapping map(GgufFile file, List<TensorInfo> tensors) {
    try {
      return Lookup.FACTORY.map(file, tensors);
    } catch (UnsupportedOperationException e) {
      // A channel that is not the JDK's own has no map(..., Arena).
      Lookup.LOG.log(
          Level.FINE, "{0}: mapped by buffers, for its channel has no segments", file.name());
    } catch (IOException e) {
      throw failed(file, e);
    }
    try {
      return new BufferMapping(file, tensors, BufferMapping.MAX_PIECE_BYTES);
    } catch (IOException e) {
      throw failed(file, e);
    }
  }

  private static E2llmException failed(GgufFile file, IOException e) {
    return new E2llmException(file.name() + ": cannot map weights: " + e, e);
  }

  /** Finds the JDK 25 implementation, which is no part of the base code. */
  final class Lookup {
    private static final Logger LOG = Logger.getLogger(WeightMapping.class.getName());
    private static final Factory FACTORY = find();

    private Lookup() {}

    private static Factory find() {
      try {
        Class<?> type = Class.forName("org.e2llm.kernels.gguf.SegmentMapping$Maker");
        return (Factory) type.getDeclaredConstructor().newInstance();
      } catch (ReflectiveOperationException | LinkageError e) {
        LOG.log(Level.FINE, "weights are mapped by buffers: {0}", e.toString());
        return (file, tensors) -> new BufferMapping(file, tensors, BufferMapping.MAX_PIECE_BYTES);
      }
    }
  }
}
