package org.e2llm.kernels.gguf;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.e2llm.model.GgmlType;

/**
 * Writes a GGUF file: key-values and tensors in the order in which they were added, each tensor at
 * a multiple of {@code general.alignment} (32 where that is not put).
 *
 * <p>Data is asked for when its turn comes, so a file may be larger than memory. Wrong use (a name
 * twice, rows of broken blocks, too few bytes) is an {@link IllegalArgumentException}. Not
 * thread-safe.
 */
public final class GgufWriter {
  private static final int MAGIC = 0x46554747;
  private static final int DEFAULT_ALIGNMENT = 32;

  private final Map<String, MetadataValue> metadata = new LinkedHashMap<>();
  private final List<Entry> tensors = new ArrayList<>();
  private final Set<String> names = new LinkedHashSet<>();
  private int version = 3;

  private record Entry(String name, GgmlType type, long[] shape, long bytes, TensorData data) {}

  /** GGUF version, 2 or 3; 3 unless set. */
  public GgufWriter version(int version) {
    if (version != 2 && version != 3) {
      throw new IllegalArgumentException("version " + version + ", expected 2 or 3");
    }
    this.version = version;
    return this;
  }

  /** Adds a key, or gives it another value; {@link MetadataValue#of} tells which type it gets. */
  public GgufWriter put(String key, Object value) {
    metadata.put(key, MetadataValue.of(value));
    return this;
  }

  /** Adds all of another file's keys with their types. */
  public GgufWriter putAll(GgufMetadata other) {
    for (String key : other.keys()) {
      MetadataValue value = other.typed(key);
      if (value != null) {
        metadata.put(key, value);
      }
    }
    return this;
  }

  /** Adds a tensor; {@code shape} has the columns first, as in the file. */
  public GgufWriter tensor(String name, GgmlType type, long[] shape, TensorData data) {
    if (shape.length < 1 || shape.length > 4 || shape[0] % type.blockSize() != 0) {
      throw new IllegalArgumentException(
          name
              + ": "
              + Arrays.toString(shape)
              + " is no shape in whole blocks of "
              + type.blockSize());
    }
    if (!names.add(name)) {
      throw new IllegalArgumentException("tensor " + name + " is there twice");
    }
    long elements = 1;
    for (long size : shape) {
      elements = Math.multiplyExact(elements, size);
    }
    tensors.add(new Entry(name, type, shape.clone(), type.bytes(elements), data));
    return this;
  }

  /** Writes the file, in place of one that is there. */
  public void write(Path path) throws IOException {
    try (FileChannel channel =
        FileChannel.open(
            path,
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.TRUNCATE_EXISTING)) {
      write(channel, 0);
    }
  }

  /** Writes the file at {@code start} of a channel; returns its bytes. */
  public long write(FileChannel channel, long start) throws IOException {
    int alignment = alignment();
    Output out = new Output(channel, start);
    out.limit = Long.MAX_VALUE;
    ByteBuffer header = header(alignment);
    while (header.hasRemaining()) {
      out.write(header);
    }
    for (Entry tensor : tensors) {
      long end = out.position + tensor.bytes();
      out.limit = end;
      tensor.data().write(out);
      if (tensor.data() != TensorData.HOLE && out.position != end) {
        throw new IllegalArgumentException(
            "tensor " + tensor.name() + ": " + (end - out.position) + " bytes are missing");
      }
      out.position = aligned(end, alignment);
    }
    return out.finish();
  }

  private int alignment() {
    return GgufMetadata.of(metadata).integer("general.alignment", DEFAULT_ALIGNMENT);
  }

  private ByteBuffer header(int alignment) {
    HeaderWriter out = new HeaderWriter();
    out.i32(MAGIC);
    out.i32(version);
    out.i64(tensors.size());
    out.i64(metadata.size());
    metadata.forEach(
        (key, value) -> {
          out.string(key);
          out.value(value);
        });
    long offset = 0;
    for (Entry tensor : tensors) {
      out.string(tensor.name());
      out.i32(tensor.shape().length);
      for (long size : tensor.shape()) {
        out.i64(size);
      }
      out.i32(tensor.type().id());
      out.i64(offset);
      offset = aligned(offset + tensor.bytes(), alignment);
    }
    out.pad(alignment);
    return out.bytes();
  }

  private static long aligned(long offset, int alignment) {
    return (offset + alignment - 1) / alignment * alignment;
  }

  /** Writes to the channel up to a limit; skipped bytes read as zeros. */
  private static final class Output implements WritableByteChannel {
    final FileChannel channel;
    final long start;
    long position;
    long limit;

    Output(FileChannel channel, long start) {
      this.channel = channel;
      this.start = start;
    }

    @Override
    public int write(ByteBuffer source) throws IOException {
      if (source.remaining() > limit - position) {
        throw new IllegalArgumentException("more bytes than the tensor has");
      }
      int written = channel.write(source, start + position);
      position += written;
      return written;
    }

    /** Extends the file where it ends in skipped bytes. */
    long finish() throws IOException {
      if (channel.size() < start + position) {
        ByteBuffer zero = ByteBuffer.allocate(1);
        channel.write(zero, start + position - 1);
      }
      return position;
    }

    @Override
    public boolean isOpen() {
      return channel.isOpen();
    }

    @Override
    public void close() {}
  }
}
