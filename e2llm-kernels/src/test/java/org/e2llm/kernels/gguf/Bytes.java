package org.e2llm.kernels.gguf;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.e2llm.model.GgmlType;
import org.e2llm.model.ModelSource;

/** A GGUF file byte by byte, for files that no writer would write. */
final class Bytes {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  /** Magic, version 3 and the two counts. */
  static Bytes header(long tensors, long metadata) {
    return new Bytes().raw("GGUF").u32(3).u64(tensors).u64(metadata);
  }

  Bytes raw(String ascii) {
    out.writeBytes(ascii.getBytes(StandardCharsets.US_ASCII));
    return this;
  }

  Bytes u8(int value) {
    out.write(value);
    return this;
  }

  Bytes u32(int value) {
    for (int i = 0; i < 4; i++) {
      out.write(value >>> 8 * i);
    }
    return this;
  }

  Bytes u64(long value) {
    return u32((int) value).u32((int) (value >>> 32));
  }

  Bytes string(String value) {
    byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
    u64(utf8.length);
    out.writeBytes(utf8);
    return this;
  }

  Bytes key(String name, MetadataType type) {
    return string(name).u32(type.id());
  }

  /** A tensor of F32 with one dimension. */
  Bytes tensor(String name, long size, long offset) {
    return string(name).u32(1).u64(size).u32(0).u64(offset);
  }

  Bytes zeros(int count) {
    out.writeBytes(new byte[count]);
    return this;
  }

  Bytes pad(int alignment) {
    return zeros((alignment - out.size() % alignment) % alignment);
  }

  byte[] toArray() {
    return out.toByteArray();
  }

  /** Writes the file and opens it. */
  GgufFile open(Path folder) {
    try {
      Path file = Files.createTempFile(folder, "bytes", ".gguf");
      Files.write(file, toArray());
      return GgufFile.open(ModelSource.of(file));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** A file that has every type of metadata and three tensors. */
  static byte[] sound(Path folder) {
    try {
      Path file = Files.createTempFile(folder, "sound", ".gguf");
      GgufWriter writer =
          new GgufWriter()
              .put("general.architecture", "llama")
              .put("general.alignment", 32)
              .put("a.u8", new MetadataValue(MetadataType.UINT8, 200L))
              .put("a.i16", new MetadataValue(MetadataType.INT16, -5L))
              .put("a.u64", Long.MAX_VALUE)
              .put("a.f32", 1.5f)
              .put("a.f64", 2.5)
              .put("a.bool", true)
              .put("a.ints", new int[] {1, 2, 3})
              .put("a.floats", new float[] {1, 2})
              .put("a.strings", List.of("x", "yz", ""))
              .put("a.nested", List.of(List.of("p"), List.of("q", "r")));
      writer.tensor("one", GgmlType.F32, new long[] {3}, TensorData.of(new byte[12]));
      writer.tensor("two", GgmlType.Q4_0, new long[] {32, 2}, TensorData.of(new byte[36]));
      writer.tensor("three", GgmlType.F16, new long[] {5, 7}, TensorData.of(new byte[70]));
      writer.write(file);
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** A channel on a new file that holds {@code bytes}. */
  static FileChannel channel(Path folder, byte[] bytes) throws IOException {
    Path file = Files.createTempFile(folder, "channel", ".gguf");
    Files.write(file, bytes);
    return FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
  }
}
