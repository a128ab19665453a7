package org.e2llm.transport.slice;

import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.HashMap;
import java.util.Map;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * A lock on a file that holds between processes and within one, and goes with its process.
 *
 * <p>The system's locks belong to the process: closing any channel of a file gives up all of them.
 * So a process keeps one channel per file, whoever in it shares the lock.
 */
final class FolderLock implements Closeable {
  private static final Logger LOG = Logger.getLogger(FolderLock.class.getName());

  /** What this process holds, by absolute path; also guards {@link Held#users}. */
  private static final Map<Path, Held> HELD = new HashMap<>();

  private static final class Held {
    final FileChannel channel;
    final boolean shared;
    int users = 1;

    Held(FileChannel channel, boolean shared) {
      this.channel = channel;
      this.shared = shared;
    }
  }

  private final Path file;
  private boolean closed;

  private FolderLock(Path file) {
    this.file = file;
  }

  /**
   * Locks the file, which is made if it is not there.
   *
   * @param shared several may hold it at once, but none alone
   * @return null if somebody holds it in a way that excludes this one
   */
  static @Nullable FolderLock tryLock(Path path, boolean shared) throws IOException {
    Path file = path.toAbsolutePath().normalize();
    synchronized (HELD) {
      Held held = HELD.get(file);
      if (held != null) {
        if (!shared || !held.shared) {
          return null;
        }
        held.users++;
        return new FolderLock(file);
      }
      FileChannel channel =
          FileChannel.open(
              file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
      if (lock(channel, shared) == null) {
        channel.close();
        return null;
      }
      HELD.put(file, new Held(channel, shared));
      return new FolderLock(file);
    }
  }

  private static @Nullable FileLock lock(FileChannel channel, boolean shared) throws IOException {
    try {
      return channel.tryLock(0, Long.MAX_VALUE, shared);
    } catch (OverlappingFileLockException e) {
      // The same file by another name, held by this process.
      LOG.log(Level.FINE, "in use", e);
      return null;
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  /** Sets the time of the file to now. */
  void touch() {
    try {
      Files.setLastModifiedTime(file, FileTime.fromMillis(System.currentTimeMillis()));
    } catch (IOException e) {
      LOG.log(Level.FINE, "the time of last use cannot be noted", e);
    }
  }

  /** Gives the lock up; idempotent. */
  @Override
  public void close() {
    synchronized (HELD) {
      Held held = HELD.get(file);
      if (closed || held == null) {
        return;
      }
      closed = true;
      if (--held.users == 0) {
        HELD.remove(file);
        try {
          held.channel.close();
        } catch (IOException e) {
          LOG.log(Level.FINE, "closing a lock failed", e);
        }
      }
    }
  }
}
