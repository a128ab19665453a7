package org.e2llm.model;

import java.nio.channels.FileChannel;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Where a model's bytes lie: a file, or a part of an open channel (an Android asset has no path).
 *
 * <p>A channel stays the caller's: it must be open until the model is closed, and is not closed by
 * it.
 */
public final class ModelSource {
  private final @Nullable Path path;
  private final @Nullable FileChannel channel;
  private final long offset;
  private final long length;

  private ModelSource(
      @Nullable Path path, @Nullable FileChannel channel, long offset, long length) {
    this.path = path;
    this.channel = channel;
    this.offset = offset;
    this.length = length;
  }

  /** A GGUF file, or the first file of a split set ({@code …-00001-of-0000N.gguf}). */
  public static ModelSource of(Path path) {
    return new ModelSource(path, null, 0, -1);
  }

  /** The GGUF file that lies at {@code [offset, offset + length)} of {@code channel}. */
  public static ModelSource of(FileChannel channel, long offset, long length) {
    if (offset < 0 || length < 0) {
      throw new IllegalArgumentException(
          "offset " + offset + " or length " + length + " is negative");
    }
    return new ModelSource(null, channel, offset, length);
  }

  /** The file, or null for a channel. */
  public @Nullable Path path() {
    return path;
  }

  /** The channel, or null for a file. */
  public @Nullable FileChannel channel() {
    return channel;
  }

  /** First byte in the channel; 0 for a file. */
  public long offset() {
    return offset;
  }

  /** Bytes in the channel; -1 for a file, which is read to its end. */
  public long length() {
    return length;
  }

  @Override
  public String toString() {
    return path != null ? path.toString() : "channel@" + offset + "+" + length;
  }
}
