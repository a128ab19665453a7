package org.e2llm.transport.slice;

import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.E2llmException;
import org.e2llm.model.ModelLayout;
import org.e2llm.model.ModelSource;
import org.jspecify.annotations.Nullable;

/** The files of a model, open for reading, and what tells whether somebody changes them. */
final class OpenFiles implements Closeable {
  /**
   * What a file was when it was opened. Equal stamps mean equal bytes.
   *
   * @param path SHA-256 of the file's real path
   * @param modified nanoseconds
   */
  record Stamp(String path, long bytes, long modified) {}

  private static final Logger LOG = Logger.getLogger(OpenFiles.class.getName());

  /** Asking the file system each time would cost a system call per leaf. */
  private static final long LOOK_EVERY = TimeUnit.SECONDS.toNanos(1);

  private final List<ModelSource> sources = new ArrayList<>();
  private final List<FileChannel> channels = new ArrayList<>();
  private final List<@Nullable Stamp> stamps = new ArrayList<>();
  private volatile long looked = System.nanoTime();

  private OpenFiles() {}

  /**
   * Opens all files of a layout.
   *
   * @throws E2llmException if one cannot be opened or has another size than the layout says
   */
  static OpenFiles open(ModelLayout layout) {
    OpenFiles files = new OpenFiles();
    try {
      for (ModelLayout.File file : layout.files()) {
        files.add(file);
      }
      return files;
    } catch (IOException e) {
      files.close();
      throw new E2llmException("cannot open the files of a model: " + e, e);
    } catch (RuntimeException | Error e) {
      files.close();
      throw e;
    }
  }

  private void add(ModelLayout.File file) throws IOException {
    ModelSource source = file.source();
    Path path = source.path();
    FileChannel channel = source.channel();
    if (path != null) {
      channel = FileChannel.open(path, StandardOpenOption.READ);
    }
    if (channel == null) {
      throw new IllegalArgumentException("neither path nor channel: " + source);
    }
    sources.add(source);
    channels.add(channel);
    Stamp stamp = path == null ? null : stamp(path);
    stamps.add(stamp);
    if (stamp != null && stamp.bytes() != file.bytes()) {
      throw new E2llmException(
          path
              + " has "
              + stamp.bytes()
              + " bytes, its header was read when it had "
              + file.bytes());
    }
  }

  FileChannel channel(int file) {
    return channels.get(file);
  }

  /** Where the file begins in its channel. */
  long start(int file) {
    return sources.get(file).offset();
  }

  /** One per file; null if there is a file without a path, of which nothing can be said. */
  @Nullable List<Stamp> stamps() {
    List<Stamp> all = new ArrayList<>();
    for (Stamp stamp : stamps) {
      if (stamp == null) {
        return null;
      }
      all.add(stamp);
    }
    return all;
  }

  /**
   * Looks at the files again, once a second.
   *
   * @throws IOException if one was changed
   */
  void checkUnchanged() throws IOException {
    long now = System.nanoTime();
    if (now - looked > LOOK_EVERY) {
      check();
      looked = now;
    }
  }

  /** As {@link #checkUnchanged}, but now. */
  void check() throws IOException {
    for (int i = 0; i < stamps.size(); i++) {
      Path path = sources.get(i).path();
      if (path != null && !stamp(path).equals(stamps.get(i))) {
        throw new IOException(path + " was changed while it was in use");
      }
    }
  }

  private static Stamp stamp(Path path) throws IOException {
    BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
    byte[] name = path.toRealPath().toString().getBytes(StandardCharsets.UTF_8);
    return new Stamp(
        Hex.of(Merkle.sha256().digest(name)),
        attributes.size(),
        attributes.lastModifiedTime().to(TimeUnit.NANOSECONDS));
  }

  /** Closes what {@link #open} opened; a channel that somebody gave stays open. */
  @Override
  public void close() {
    for (int i = 0; i < channels.size(); i++) {
      if (sources.get(i).path() != null) {
        try {
          channels.get(i).close();
        } catch (IOException e) {
          LOG.log(Level.FINE, "closing a model's file failed", e);
        }
      }
    }
  }
}
