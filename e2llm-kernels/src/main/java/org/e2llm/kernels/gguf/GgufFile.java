package org.e2llm.kernels.gguf;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.e2llm.E2llmException;
import org.e2llm.ModelFormatException;
import org.e2llm.model.ModelSource;
import org.jspecify.annotations.Nullable;

/**
 * An open GGUF file or split set: its metadata and where its tensors lie.
 *
 * <p>Opening reads the header of every file and nothing else; {@link #map} makes weights reachable.
 * Slices stay valid after {@link #close}, which closes the files this object opened. Immutable but
 * for that; safe for use by several threads.
 */
public final class GgufFile implements AutoCloseable {
  private static final String SPLIT_NO = "split.no";
  private static final String SPLIT_COUNT = "split.count";
  private static final String SPLIT_TENSORS = "split.tensors.count";

  private final String name;
  private final List<Part> parts;
  private final Map<String, TensorInfo> tensors;

  private GgufFile(String name, List<Part> parts, Map<String, TensorInfo> tensors) {
    this.name = name;
    this.parts = parts;
    this.tensors = tensors;
  }

  /**
   * Opens a file, or all files of the split set that {@code source} names one of.
   *
   * @throws ModelFormatException where the file breaks the format; names the field and the limit
   * @throws org.e2llm.UnsupportedModelException for other versions than 2 and 3 and for unknown
   *     types
   * @throws E2llmException where the file cannot be read
   */
  public static GgufFile open(ModelSource source) {
    List<Part> parts = new ArrayList<>();
    try {
      Part first = Part.open(source, 0);
      parts.add(first);
      int count = first.header.metadata().integer(SPLIT_COUNT, 1);
      Path path = source.path();
      if (count > 1) {
        if (path == null) {
          throw new ModelFormatException(
              source
                  + ": a file of a set of "
                  + count
                  + "; open the set by the path of its first file");
        }
        openSet(path, count, parts);
      }
      Map<String, TensorInfo> tensors = index(parts);
      return new GgufFile(parts.get(0).name, List.copyOf(parts), tensors);
    } catch (RuntimeException | Error e) {
      closeAll(parts);
      throw e;
    }
  }

  /** File name, or a description of the channel. */
  public String name() {
    return name;
  }

  /** GGUF version, 2 or 3. */
  public int version() {
    return parts.get(0).header.version();
  }

  /** Metadata of the first file, which holds all of the set's. */
  public GgufMetadata metadata() {
    return parts.get(0).header.metadata();
  }

  /** All tensors by name, in file order. */
  public Map<String, TensorInfo> tensors() {
    return tensors;
  }

  /** Files of the set; 1 where it is not split. */
  public int files() {
    return parts.size();
  }

  /** Where file number {@code file} of the set lies. */
  public ModelSource source(int file) {
    return parts.get(file).source;
  }

  /** Bytes of file number {@code file} of the set. */
  public long fileBytes(int file) {
    return parts.get(file).length;
  }

  /** Bytes of file number {@code file} before its tensors, padding included. */
  public long dataStart(int file) {
    Part part = parts.get(file);
    return Math.min(part.header.dataStart(), part.length);
  }

  /** Bytes of all files. */
  public long fileBytes() {
    return parts.stream().mapToLong(part -> part.length).sum();
  }

  /** Bytes that opening read from all files. */
  public long headerBytes() {
    return parts.stream().mapToLong(part -> part.header.bytesRead()).sum();
  }

  /**
   * Maps the tensors whose names are chosen, and no others.
   *
   * @throws E2llmException where the system refuses the mapping
   */
  public WeightSlice map(Predicate<String> names) {
    List<TensorInfo> chosen = new ArrayList<>();
    for (TensorInfo tensor : tensors.values()) {
      if (names.test(tensor.name())) {
        chosen.add(tensor);
      }
    }
    return new WeightSlice(name, chosen, WeightMapping.map(this, chosen));
  }

  /** Closes the files; a channel that the caller passed stays open. */
  @Override
  public void close() {
    closeAll(parts);
  }

  FileChannel channel(int file) {
    return parts.get(file).channel;
  }

  /** Where byte 0 of {@code file} lies in its channel. */
  long channelOffset(int file) {
    return parts.get(file).offset;
  }

  /** Opens the rest of a set; {@code parts} holds the file that was asked for. */
  private static void openSet(Path path, int count, List<Part> parts) {
    SplitName names = SplitName.parse(path);
    if (names == null || names.count() != count) {
      throw new ModelFormatException(
          path
              + ": metadata "
              + SPLIT_COUNT
              + " is "
              + count
              + ", but the name does not end in -0000N-of-"
              + String.format("%05d", count)
              + ".gguf");
    }
    if (parts.get(0).header.metadata().integer(SPLIT_NO) != 0) {
      parts.remove(0).close();
      parts.add(openPart(names, 0, count));
    }
    checkPart(parts.get(0), 0, count);
    for (int i = 1; i < count; i++) {
      parts.add(openPart(names, i, count));
      checkPart(parts.get(i), i, count);
    }
  }

  private static Part openPart(SplitName names, int index, int count) {
    Path file = names.file(index);
    if (!Files.exists(file)) {
      throw new ModelFormatException(
          file + ": file " + (index + 1) + " of " + count + " is missing");
    }
    return Part.open(ModelSource.of(file), index);
  }

  private static void checkPart(Part part, int index, int count) {
    GgufMetadata metadata = part.header.metadata();
    int foundCount = metadata.integer(SPLIT_COUNT);
    int foundIndex = metadata.integer(SPLIT_NO);
    if (foundCount != count || foundIndex != index) {
      throw new ModelFormatException(
          part.name
              + ": metadata "
              + SPLIT_NO
              + " is "
              + foundIndex
              + " of "
              + foundCount
              + ", expected "
              + index
              + " of "
              + count);
    }
  }

  private static Map<String, TensorInfo> index(List<Part> parts) {
    Map<String, TensorInfo> tensors = new LinkedHashMap<>();
    for (Part part : parts) {
      for (TensorInfo tensor : part.header.tensors()) {
        if (tensors.put(tensor.name(), tensor) != null) {
          throw new ModelFormatException(
              part.name + ": tensor " + tensor.name() + " is there twice");
        }
      }
    }
    GgufMetadata metadata = parts.get(0).header.metadata();
    int expected = metadata.integer(SPLIT_TENSORS, tensors.size());
    if (parts.size() > 1 && expected != tensors.size()) {
      throw new ModelFormatException(
          parts.get(0).name
              + ": metadata "
              + SPLIT_TENSORS
              + " is "
              + expected
              + ", but the files hold "
              + tensors.size());
    }
    return Collections.unmodifiableMap(tensors);
  }

  private static void closeAll(List<Part> parts) {
    for (Part part : parts) {
      part.close();
    }
  }

  /** One file of the set. */
  private static final class Part {
    final ModelSource source;
    final String name;
    final FileChannel channel;
    final boolean owned;
    final long offset;
    final long length;
    final Header header;

    private Part(
        ModelSource source,
        String name,
        FileChannel channel,
        boolean owned,
        long length,
        Header header) {
      this.source = source;
      this.name = name;
      this.channel = channel;
      this.owned = owned;
      this.offset = source.offset();
      this.length = length;
      this.header = header;
    }

    static Part open(ModelSource source, int index) {
      Path path = source.path();
      FileChannel given = source.channel();
      String name = path == null ? source.toString() : String.valueOf(path.getFileName());
      FileChannel opened = null;
      try {
        if (path != null && Files.isDirectory(path)) {
          throw new E2llmException(path + " is a folder, expected a GGUF file");
        }
        opened = path == null ? null : FileChannel.open(path, StandardOpenOption.READ);
        FileChannel channel = opened != null ? opened : given;
        if (channel == null) {
          throw new IllegalArgumentException("neither path nor channel: " + source);
        }
        long end = channel.size();
        long length = source.length() < 0 ? end : source.length();
        if (source.offset() > end || length > end - source.offset()) {
          throw new ModelFormatException(
              name
                  + ": "
                  + length
                  + " bytes at "
                  + source.offset()
                  + " end outside the channel, which has "
                  + end);
        }
        Header header =
            Header.read(new HeaderReader(channel, source.offset(), length, name), index, length);
        return new Part(source, name, channel, opened != null, length, header);
      } catch (IOException e) {
        closeQuietly(opened, e);
        throw new E2llmException("cannot open " + source + ": " + e, e);
      } catch (RuntimeException | Error e) {
        closeQuietly(opened, e);
        throw e;
      }
    }

    void close() {
      if (owned) {
        try {
          channel.close();
        } catch (IOException e) {
          throw new E2llmException(name + ": cannot close: " + e, e);
        }
      }
    }

    private static void closeQuietly(@Nullable FileChannel channel, Throwable cause) {
      if (channel != null) {
        try {
          channel.close();
        } catch (IOException e) {
          cause.addSuppressed(e);
        }
      }
    }
  }
}
