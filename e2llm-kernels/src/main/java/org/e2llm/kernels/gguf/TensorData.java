package org.e2llm.kernels.gguf;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;

/** Where the bytes of a tensor come from when a file is written; asked once per file. */
public interface TensorData {
  /** Zeros that are not written: where the file system can, they take no space. */
  TensorData HOLE = out -> {};

  /** Writes all bytes of the tensor, in pieces of any size. */
  void write(WritableByteChannel out) throws IOException;

  /** The bytes of an array, which is not copied. */
  static TensorData of(byte[] bytes) {
    return out -> {
      ByteBuffer rest = ByteBuffer.wrap(bytes);
      while (rest.hasRemaining()) {
        out.write(rest);
      }
    };
  }
}
