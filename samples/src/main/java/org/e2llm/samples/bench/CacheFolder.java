package org.e2llm.samples.bench;

import java.nio.file.Path;

/** Where files lie that can be made again. */
public final class CacheFolder {
  private CacheFolder() {}

  /** {@code $XDG_CACHE_HOME/e2llm} or {@code ~/.cache/e2llm}, which need not exist. */
  public static Path path() {
    String xdg = System.getenv("XDG_CACHE_HOME"); // the specification has relative paths ignored
    Path caches =
        xdg != null && Path.of(xdg).isAbsolute()
            ? Path.of(xdg)
            : Path.of(System.getProperty("user.home"), ".cache");
    return caches.resolve("e2llm");
  }
}
