package org.e2llm.transport.slice;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.E2llmException;
import org.e2llm.cluster.ProtocolException;
import org.e2llm.model.ModelLayout;
import org.e2llm.transport.slice.OpenFiles.Stamp;
import org.e2llm.transport.wire.FieldReader;
import org.e2llm.transport.wire.FieldWriter;
import org.jspecify.annotations.Nullable;

/**
 * Manifests and leaf hashes of files that were hashed before, so that a holder reads all of a model
 * once only. Known by path, size and time of each file:
 *
 * <pre>
 *  u32 magic "E2MC"   u32 files   per file: string SHA-256 of the path, i64 bytes, i64 modified
 *  string model id    u32 bytes   the manifest ({@link ManifestCodec})
 *  the hash of every leaf
 * </pre>
 *
 * What does not fit together is as if it were not there. At most {@value #KEPT} are kept. Several
 * processes may use one folder.
 */
final class ManifestCache {
  private static final Logger LOG = Logger.getLogger(ManifestCache.class.getName());
  private static final int MAGIC = 0x434d3245;
  private static final int KEPT = 32;
  private static final int STAMP_BYTES = 2 + 2 * Merkle.HASH_BYTES + 8 + 8;
  private static final long MAX_BYTES = 2L * ManifestCodec.MAX_BYTES;

  private final Path folder;

  ManifestCache(Path folder) {
    this.folder = folder;
  }

  /** The hashes of these files, or null. */
  @Nullable LeafHashes find(ModelLayout layout, @Nullable List<Stamp> stamps) {
    if (stamps == null) {
      return null;
    }
    Path entry = entry(stamps);
    try {
      if (!Files.exists(entry) || Files.size(entry) > MAX_BYTES) {
        return null;
      }
      LeafHashes found = read(ByteBuffer.wrap(Files.readAllBytes(entry)), stamps);
      if (found != null) {
        found.manifest().check(layout);
      }
      return found;
    } catch (IOException | E2llmException e) {
      LOG.log(Level.FINE, "a kept manifest cannot be used, the model is hashed again", e);
      return null;
    }
  }

  /** Keeps hashes; not being able to is no error. */
  void keep(@Nullable List<Stamp> stamps, LeafHashes hashes) {
    if (stamps == null) {
      return;
    }
    Path entry = entry(stamps);
    Path draft = folder.resolve(entry.getFileName() + "." + UUID.randomUUID());
    try {
      Files.createDirectories(folder);
      try (FileChannel channel =
          FileChannel.open(draft, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        ByteBuffer bytes = write(stamps, hashes);
        FileParts.write(channel, 0, bytes);
      }
      Files.move(draft, entry, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      dropOldest();
    } catch (IOException e) {
      LOG.log(Level.WARNING, "the manifest of a model cannot be kept in " + folder, e);
    }
  }

  private static @Nullable LeafHashes read(ByteBuffer bytes, List<Stamp> stamps) {
    FieldReader in = new FieldReader(bytes);
    if (in.i32("magic") != MAGIC) {
      return null;
    }
    List<Stamp> found = new ArrayList<>();
    for (int n = in.count("files", STAMP_BYTES); n > 0; n--) {
      found.add(new Stamp(in.string("path"), in.i64("bytes"), in.i64("modified")));
    }
    if (!found.equals(stamps)) {
      return null;
    }
    String modelId = in.string("model id");
    byte[] encoded = new byte[in.count("manifest", 1)];
    in.bytes("manifest", encoded);
    Manifest manifest = ManifestCodec.decode(encoded);
    byte[] hashes = new byte[manifest.leaves().count() * Merkle.HASH_BYTES];
    in.bytes("hashes", hashes);
    in.end("kept manifest");
    LeafHashes known = new LeafHashes(manifest, hashes);
    if (!manifest.modelId().equals(modelId)
        || known.known().cardinality() < manifest.leaves().tensors()) {
      throw new ProtocolException("the manifest or its hashes were changed");
    }
    return known;
  }

  private static ByteBuffer write(List<Stamp> stamps, LeafHashes hashes) {
    ByteBuffer manifest = hashes.manifest().encoded();
    ByteBuffer all = hashes.all();
    FieldWriter out =
        new FieldWriter(
            STAMP_BYTES
                + 16
                + stamps.size() * STAMP_BYTES
                + manifest.remaining()
                + all.remaining());
    out.i32(MAGIC).count(stamps.size());
    for (Stamp stamp : stamps) {
      out.string(stamp.path()).i64(stamp.bytes()).i64(stamp.modified());
    }
    out.string(hashes.manifest().modelId());
    return out.count(manifest.remaining()).bytes(manifest).bytes(all).payload();
  }

  private Path entry(List<Stamp> stamps) {
    StringBuilder paths = new StringBuilder();
    stamps.forEach(stamp -> paths.append(stamp.path()));
    byte[] name = paths.toString().getBytes(StandardCharsets.UTF_8);
    return folder.resolve(Hex.of(Merkle.sha256().digest(name)) + ".manifest");
  }

  private void dropOldest() throws IOException {
    List<Path> entries = new ArrayList<>();
    try (DirectoryStream<Path> all = Files.newDirectoryStream(folder, "*.manifest")) {
      all.forEach(entries::add);
    }
    entries.sort(Comparator.comparingLong(entry -> entry.toFile().lastModified()));
    for (int i = 0; i < entries.size() - KEPT; i++) {
      Files.deleteIfExists(entries.get(i));
    }
  }
}
