package org.e2llm.transport.slice;

import java.io.IOException;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.model.ModelSource;

/**
 * A model in the cache: GGUF files of the full size, with the headers and those leaves that were
 * fetched at their places and holes for the rest. An engine opens them like any other and maps only
 * what its layers need.
 *
 * <pre>
 *  manifest                                   what the model is; its SHA-256 is the folder's name
 *  model.gguf, or model-0000N-of-0000M.gguf   headers and leaves
 *  hashes                                     of every leaf, as far as known; checked when opened
 *  leaves                                     which are there ({@link LeafStates})
 * </pre>
 *
 * <p>Several peers, of this process or others, may use one folder at once and see each other's
 * leaves. Safe for several threads; stays in use, and thus in the cache, until it is closed.
 */
public final class StoredModel implements SliceSource {
  private static final Logger LOG = Logger.getLogger(StoredModel.class.getName());
  private static final String MANIFEST = "manifest";
  private static final String HASHES = "hashes";
  private static final String LEAVES = "leaves";

  /** What may have to be hashed again after a crash; some tenths of a second. */
  private static final long SYNC_BYTES = 256L << 20;

  private final Path folder;
  private final Manifest manifest;
  private final LeafHashes hashes;
  private final FolderLock lock;
  private final LeafStates states;
  private final FileChannel hashFile;
  private final List<FileChannel> files = new ArrayList<>();

  /** Guarded by itself, as is {@link #hash}. */
  private final Merkle merkle = new Merkle();

  private final byte[] hash = new byte[Merkle.HASH_BYTES];
  private volatile long unsynced;

  private StoredModel(Path folder, Manifest manifest, FolderLock lock) throws IOException {
    this.folder = folder;
    this.manifest = manifest;
    this.lock = lock;
    int leaves = manifest.leaves().count();
    Path hashPath = folder.resolve(HASHES);
    byte[] kept = Files.readAllBytes(hashPath);
    if (kept.length != leaves * Merkle.HASH_BYTES) {
      throw new IOException(hashPath + " has " + kept.length + " bytes for " + leaves + " leaves");
    }
    hashes = new LeafHashes(manifest, kept);
    states = LeafStates.open(folder.resolve(LEAVES), leaves);
    try {
      for (int i = 0; i < manifest.files(); i++) {
        files.add(openFile(i));
      }
      hashFile = FileChannel.open(hashPath, StandardOpenOption.WRITE);
    } catch (IOException | RuntimeException e) {
      closeFiles();
      throw e;
    }
  }

  private FileChannel openFile(int file) throws IOException {
    Path path = folder.resolve(name(file, manifest.files()));
    if (Files.size(path) != manifest.fileBytes(file)) {
      throw new IOException(
          path + " has " + Files.size(path) + " bytes, expected are " + manifest.fileBytes(file));
    }
    return FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
  }

  /** Makes the files of a model that holds no leaf yet, in a folder that is not there yet. */
  static void create(Path folder, Manifest manifest) throws IOException {
    Files.createDirectories(folder);
    for (int i = 0; i < manifest.files(); i++) {
      writeHollow(folder.resolve(name(i, manifest.files())), manifest, i);
    }
    int leaves = manifest.leaves().count();
    writeNew(folder.resolve(HASHES), ByteBuffer.allocate(leaves * Merkle.HASH_BYTES));
    LeafStates.create(folder.resolve(LEAVES), leaves);
    writeNew(folder.resolve(MANIFEST), manifest.encoded());
  }

  private static void writeHollow(Path path, Manifest manifest, int file) throws IOException {
    try (FileChannel channel =
        FileChannel.open(
            path,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.WRITE,
            StandardOpenOption.SPARSE)) {
      ByteBuffer header = manifest.header(file);
      boolean more = manifest.fileBytes(file) > header.remaining();
      FileParts.write(channel, 0, header);
      if (more) {
        FileParts.write(channel, manifest.fileBytes(file) - 1, ByteBuffer.allocate(1));
      }
      channel.force(true);
    }
  }

  private static void writeNew(Path path, ByteBuffer bytes) throws IOException {
    try (FileChannel channel =
        FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      FileParts.write(channel, 0, bytes);
      channel.force(true);
    }
  }

  /** As llama.cpp names the files of a set, which is how an engine finds them. */
  private static String name(int file, int files) {
    return files == 1
        ? "model.gguf"
        : String.format(Locale.ROOT, "model-%05d-of-%05d.gguf", file + 1, files);
  }

  /** The manifest of the model in {@code folder}, whatever else is there. */
  static Manifest manifest(Path folder) throws IOException {
    Path path = folder.resolve(MANIFEST);
    if (Files.size(path) > ManifestCodec.MAX_BYTES) {
      throw new IOException(path + " has " + Files.size(path) + " bytes");
    }
    return ManifestCodec.decode(Files.readAllBytes(path));
  }

  /**
   * Opens the model in {@code folder}, and hashes again what a crash may have damaged.
   *
   * @param lock that keeps the model from being evicted; belongs to the model if this succeeds
   * @throws IOException if something is missing or does not fit
   */
  static StoredModel open(Path folder, Manifest manifest, FolderLock lock) throws IOException {
    StoredModel model = new StoredModel(folder, manifest, lock);
    try {
      model.checkUnsafe();
      return model;
    } catch (IOException | RuntimeException e) {
      model.closeFiles();
      throw e;
    }
  }

  private void checkUnsafe() throws IOException {
    BitSet unsafe = states.unsafe();
    if (unsafe.isEmpty()) {
      return;
    }
    ByteBuffer data = ByteBuffer.allocate(Merkle.LEAF_BYTES);
    for (int leaf = unsafe.nextSetBit(0); leaf >= 0; leaf = unsafe.nextSetBit(leaf + 1)) {
      ((Buffer) data).clear();
      read(leaf, data);
      ((Buffer) data).flip();
      if (!isRight(leaf, data)) {
        LOG.log(Level.FINE, "leaf {0} did not survive a crash", leaf);
        states.drop(leaf);
      }
    }
  }

  /** For an engine; valid until this is closed. */
  public ModelSource source() {
    return ModelSource.of(folder.resolve(name(0, manifest.files())));
  }

  public String modelId() {
    return manifest.modelId();
  }

  @Override
  public Manifest manifest() {
    return manifest;
  }

  @Override
  public LeafHashes hashes() {
    return hashes;
  }

  @Override
  public boolean holds(int leaf) {
    return states.holds(leaf);
  }

  @Override
  public BitSet held() {
    return states.held();
  }

  /** How many leaves it holds. */
  int heldCount() {
    return states.count();
  }

  @Override
  public void read(int leaf, ByteBuffer into) throws IOException {
    Leaves leaves = manifest.leaves();
    FileParts.read(files.get(leaves.file(leaf)), leaves.offset(leaf), leaves.bytes(leaf), into);
  }

  /** Takes in what other peers on this host have fetched. */
  void refresh() throws IOException {
    states.refresh();
  }

  /**
   * Takes in the hashes of a tensor's leaves.
   *
   * @return false if they are wrong
   */
  boolean offerHashes(int tensor, ByteBuffer found) throws IOException {
    ByteBuffer kept = found.duplicate();
    if (!hashes.offer(tensor, found)) {
      return false;
    }
    FileParts.write(hashFile, (long) manifest.leaves().first(tensor) * Merkle.HASH_BYTES, kept);
    return true;
  }

  /**
   * Verifies a leaf and writes it.
   *
   * @param data from position to limit
   * @return false if these are not its bytes; nothing was written then
   */
  boolean offer(int leaf, ByteBuffer data) throws IOException {
    int start = data.position();
    int bytes = data.remaining();
    if (bytes != manifest.leaves().bytes(leaf) || !isRight(leaf, data)) {
      return false;
    }
    ((Buffer) data).position(start);
    Leaves leaves = manifest.leaves();
    FileParts.write(files.get(leaves.file(leaf)), leaves.offset(leaf), data);
    states.written(leaf);
    unsynced += bytes;
    return true;
  }

  private boolean isRight(int leaf, ByteBuffer data) {
    synchronized (merkle) {
      merkle.leaf(data, hash, 0);
      return hashes.matches(leaf, hash, 0);
    }
  }

  /**
   * Whether {@link #sync} is due.
   *
   * @param idle nothing more is about to be written
   */
  boolean wantsSync(boolean idle) {
    return unsynced >= (idle ? 1 : SYNC_BYTES);
  }

  /**
   * Makes what was written survive a crash of the system: first the bytes, then the note that they
   * are there. Takes as long as the disk takes; leaves may be written meanwhile.
   */
  synchronized void sync() throws IOException {
    unsynced = 0;
    BitSet written = states.unsafe();
    if (written.isEmpty()) {
      return;
    }
    hashFile.force(false);
    for (FileChannel file : files) {
      file.force(false);
    }
    states.safe(written);
  }

  /** Bytes on disk of the model in {@code folder}, more or less what the file system counts. */
  static long diskBytes(Path folder, Manifest manifest) throws IOException {
    Leaves leaves = manifest.leaves();
    try (LeafStates states = LeafStates.open(folder.resolve(LEAVES), leaves.count())) {
      return fixedBytes(manifest) + leaves.bytes(states.held());
    }
  }

  /** What a model takes before its first leaf. */
  static long fixedBytes(Manifest manifest) {
    long headers = 0;
    for (int i = 0; i < manifest.files(); i++) {
      headers += manifest.header(i).remaining();
    }
    long perLeaf = Merkle.HASH_BYTES + 1;
    return headers + manifest.encoded().remaining() + perLeaf * manifest.leaves().count();
  }

  /** Syncs, and lets the model be evicted. Nobody may read from it any more; idempotent. */
  @Override
  public void close() {
    try {
      sync();
    } catch (IOException e) {
      LOG.log(Level.FINE, "what was fetched last is hashed again the next time", e);
    }
    closeFiles();
    lock.touch();
    lock.close();
  }

  private void closeFiles() {
    try {
      states.close();
      for (FileChannel file : files) {
        file.close();
      }
      if (hashFile != null) {
        hashFile.close();
      }
    } catch (IOException e) {
      LOG.log(Level.FINE, "closing a model's files failed", e);
    }
  }
}
