package org.e2llm.transport.slice;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.e2llm.E2llmException;
import org.e2llm.InvalidRequestException;
import org.e2llm.cluster.CacheFullException;
import org.e2llm.cluster.ProtocolException;
import org.jspecify.annotations.Nullable;

/**
 * A folder of models of which this device holds some leaves, of bounded size. Each model has a
 * folder named by its id ({@link StoredModel} says what is in it).
 *
 * <p>Room is made by evicting whole models, the one whose last use is the longest ago first, and
 * never one that a peer on this host has open. Several peers, of this process or others, may use
 * one folder; the limit is each one's own, so two that make room in the same moment may together
 * exceed it by what one of them fetches.
 */
public final class SliceStore {
  private static final Logger LOG = Logger.getLogger(SliceStore.class.getName());
  private static final String LOCK = "lock";
  private static final String LOCKS = "locks";
  private static final String MODEL_ID = "[0-9a-f]{64}";
  private static final long PATIENCE = TimeUnit.SECONDS.toNanos(10);

  /** A device whose disk is filled to the last byte is of no use to anybody. */
  private static final long LEFT_FREE = 64L << 20;

  private final Path folder;
  private final long maxBytes;

  private SliceStore(Path folder, long maxBytes) {
    this.folder = folder;
    this.maxBytes = maxBytes;
  }

  /**
   * The cache in a folder, which is made if it is not there.
   *
   * @param maxBytes that all models in it may take
   * @throws E2llmException if the folder cannot be made
   */
  public static SliceStore open(Path folder, long maxBytes) {
    if (maxBytes < 0) {
      throw new InvalidRequestException("a cache of " + maxBytes + " bytes");
    }
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw new E2llmException("the cache folder " + folder + " cannot be made: " + e, e);
    }
    return new SliceStore(folder, maxBytes);
  }

  /** Where {@link FullModel#open} may keep manifests. */
  public Path manifests() {
    return folder.resolve("manifests");
  }

  /** Bytes that all models in it may take. */
  public long maxBytes() {
    return maxBytes;
  }

  /**
   * The model with this id, if it is in the cache and whole in what makes it one.
   *
   * @return to be closed by the caller; null if there is none
   */
  public @Nullable StoredModel find(String modelId) {
    if (!modelId.matches(MODEL_ID)) {
      throw new InvalidRequestException("\"" + modelId + "\" is no id of a model");
    }
    return locked(() -> Optional.ofNullable(tryOpen(folder.resolve(modelId)))).orElse(null);
  }

  /**
   * The model of this manifest, which is made if it is not in the cache yet.
   *
   * @return to be closed by the caller
   * @throws CacheFullException if there is no room even for its header
   */
  StoredModel open(Manifest manifest) {
    return locked(
        () -> {
          Path place = folder.resolve(manifest.modelId());
          StoredModel found = tryOpen(place);
          if (found != null) {
            return found;
          }
          makeRoom(manifest.modelId(), StoredModel.fixedBytes(manifest));
          Path draft = folder.resolve(manifest.modelId() + "." + UUID.randomUUID());
          try {
            StoredModel.create(draft, manifest);
            Files.move(draft, place, StandardCopyOption.ATOMIC_MOVE);
          } catch (IOException e) {
            delete(draft);
            throw e;
          }
          StoredModel made = tryOpen(place);
          if (made == null) {
            throw new IOException(place + " was made and is not there");
          }
          return made;
        });
  }

  /**
   * Makes room for more leaves of a model that is open.
   *
   * @throws CacheFullException if there is none: says how many bytes are missing
   */
  void reserve(StoredModel model, long more) {
    locked(
        () -> {
          makeRoom(model.modelId(), more);
          return model;
        });
  }

  /** Bytes of all models in it. */
  public long usedBytes() {
    return locked(() -> sum(models()));
  }

  /** Ids of all models in it, the one used last at the end. */
  public List<String> modelIds() {
    return locked(() -> models().stream().map(Kept::id).collect(Collectors.toList()));
  }

  // ---- what is here; under the lock

  /** A model in the cache. */
  private record Kept(Path place, long bytes, FileTime used) {
    String id() {
      return String.valueOf(place.getFileName());
    }
  }

  private static long sum(List<Kept> models) {
    return models.stream().mapToLong(Kept::bytes).sum();
  }

  private List<Kept> models() throws IOException {
    List<Kept> models = new ArrayList<>();
    try (DirectoryStream<Path> all = Files.newDirectoryStream(folder)) {
      for (Path place : all) {
        String name = String.valueOf(place.getFileName());
        if (name.matches(MODEL_ID)) {
          Kept model = kept(place);
          if (model != null) {
            models.add(model);
          }
        } else if (name.matches(MODEL_ID + "\\..*")) {
          delete(place); // What a crash has left of one that was made or evicted.
        }
      }
    }
    models.sort(Comparator.comparing(Kept::used));
    return models;
  }

  /** Null if it is no whole model; it is gone then, unless somebody still uses it. */
  private @Nullable Kept kept(Path place) throws IOException {
    try {
      long bytes = StoredModel.diskBytes(place, StoredModel.manifest(place));
      return new Kept(place, bytes, Files.getLastModifiedTime(lockFile(place)));
    } catch (IOException | ProtocolException e) {
      LOG.log(Level.FINE, place + " is no whole model", e);
      evict(place);
      return null;
    }
  }

  /** Held by who uses the model; its time is the last use. Not in its folder, which may move. */
  private Path lockFile(Path place) throws IOException {
    Path locks = folder.resolve(LOCKS);
    Files.createDirectories(locks);
    return locks.resolve(place.getFileName());
  }

  private @Nullable StoredModel tryOpen(Path place) throws IOException {
    if (!Files.isDirectory(place)) {
      return null;
    }
    FolderLock use = FolderLock.tryLock(lockFile(place), true);
    if (use == null) {
      throw new IOException(place + " is locked by a process that is no peer");
    }
    try {
      Manifest manifest = StoredModel.manifest(place);
      if (!manifest.modelId().equals(String.valueOf(place.getFileName()))) {
        throw new IOException(place + " holds the manifest of " + manifest.modelId());
      }
      use.touch();
      return StoredModel.open(place, manifest, use);
    } catch (IOException | ProtocolException e) {
      LOG.log(Level.WARNING, place + " is damaged and is fetched again", e);
      use.close();
      if (!evict(place)) {
        throw new IOException(place + " is damaged, and another peer uses it", e);
      }
      return null;
    }
  }

  // ---- making room; under the lock

  private void makeRoom(String modelId, long more) throws IOException {
    List<Kept> models = models();
    for (Kept model : models) {
      if (missing(sum(models()), more) <= 0) {
        return;
      }
      if (!model.id().equals(modelId)) {
        evict(model.place());
      }
    }
    long used = sum(models());
    long missing = missing(used, more);
    if (missing > 0) {
      throw full(modelId, more, used, missing);
    }
  }

  private long missing(long used, long more) throws IOException {
    return Math.max(used + more - maxBytes, more - usable());
  }

  private long usable() throws IOException {
    return Files.getFileStore(folder).getUsableSpace() - LEFT_FREE;
  }

  private CacheFullException full(String modelId, long more, long used, long missing)
      throws IOException {
    boolean limit = used + more - maxBytes >= more - usable();
    return new CacheFullException(
        "No room for "
            + more
            + " bytes of model "
            + modelId
            + " in "
            + folder
            + ": "
            + missing
            + " bytes are missing. "
            + (limit
                ? "The cache may have " + maxBytes + " bytes, models in use take " + used
                : "The disk has " + (usable() + LEFT_FREE) + " bytes left, 64 MiB stay free")
            + (limit
                ? "; allow more, or close what uses other models"
                : "; free some, or put the cache elsewhere"),
        missing);
  }

  /** False if somebody uses it. */
  private boolean evict(Path place) throws IOException {
    FolderLock use = FolderLock.tryLock(lockFile(place), false);
    if (use == null) {
      return false;
    }
    try {
      Path gone = folder.resolve(place.getFileName() + "." + UUID.randomUUID());
      Files.move(place, gone, StandardCopyOption.ATOMIC_MOVE);
      delete(gone);
      LOG.log(Level.FINE, "model {0} was evicted", place.getFileName());
      return true;
    } finally {
      use.close();
    }
  }

  private static void delete(Path place) throws IOException {
    List<Path> all;
    try (Stream<Path> walk = Files.walk(place)) {
      all = walk.sorted(Comparator.reverseOrder()).collect(Collectors.toList());
    }
    for (Path path : all) {
      Files.deleteIfExists(path);
    }
  }

  // ---- the lock: making, finding and evicting models exclude each other on this host

  private interface Work<T> {
    T run() throws IOException;
  }

  private <T> T locked(Work<T> work) {
    try (FolderLock lock = lock()) {
      return work.run();
    } catch (IOException e) {
      throw new E2llmException("the cache in " + folder + " cannot be used: " + e.getMessage(), e);
    }
  }

  private FolderLock lock() throws IOException {
    long end = System.nanoTime() + PATIENCE;
    while (true) {
      FolderLock lock = FolderLock.tryLock(folder.resolve(LOCK), false);
      if (lock != null) {
        return lock;
      }
      if (System.nanoTime() - end > 0) {
        throw new IOException("another process has locked it for 10 s");
      }
      try {
        Thread.sleep(5);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("interrupted while another peer used it");
      }
    }
  }
}
