package org.e2llm.transport.slice;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.model.ModelLayout;
import org.jspecify.annotations.Nullable;

/**
 * A model whose files are all on this device: its app named them. Nothing is ever fetched for it,
 * and others may have all of it.
 *
 * <p>Files that change while they are open are not served from then on; close it when nobody reads
 * any more. Safe for several threads.
 */
public final class FullModel implements SliceSource {
  private static final Logger LOG = Logger.getLogger(FullModel.class.getName());

  private final Manifest manifest;
  private final LeafHashes hashes;
  private final OpenFiles files;

  private FullModel(Manifest manifest, LeafHashes hashes, OpenFiles files) {
    this.manifest = manifest;
    this.hashes = hashes;
    this.files = files;
  }

  /**
   * Hashes all tensors in the background, on a daemon thread of its own, unless the same files were
   * hashed before.
   *
   * @param layout of the model; a channel in it stays the caller's
   * @param cache where manifests are kept, so that files are hashed once; null to keep none
   * @param progress told bytes hashed, on that thread
   * @return completes on that thread, or with an {@link org.e2llm.E2llmException}: not readable,
   *     changed meanwhile, beyond the limits. Cancelling stops the hashing within a leaf
   */
  public static CompletableFuture<FullModel> open(
      ModelLayout layout, @Nullable Path cache, Consumer<SliceProgress> progress) {
    CompletableFuture<FullModel> result = new CompletableFuture<>();
    Thread thread =
        new Thread(
            () -> {
              try {
                FullModel made = hash(layout, cache, progress, result);
                if (!result.complete(made)) {
                  made.close();
                }
              } catch (CancellationException e) {
                LOG.log(Level.FINE, "hashing a model was cancelled", e);
              } catch (RuntimeException | Error e) {
                result.completeExceptionally(e);
              }
            },
            "e2llm-slice-hash");
    thread.setDaemon(true);
    thread.start();
    return result;
  }

  private static FullModel hash(
      ModelLayout layout,
      @Nullable Path cache,
      Consumer<SliceProgress> progress,
      CompletableFuture<?> asked) {
    OpenFiles files = OpenFiles.open(layout);
    try {
      ManifestCache kept = cache == null ? null : new ManifestCache(cache);
      LeafHashes hashes = kept == null ? null : kept.find(layout, files.stamps());
      if (hashes == null) {
        hashes = new ManifestMaker(layout, files, progress, asked::isDone).make();
        if (kept != null) {
          kept.keep(files.stamps(), hashes);
        }
      } else {
        long bytes = layout.tensors().stream().mapToLong(ModelLayout.Tensor::bytes).sum();
        progress.accept(new SliceProgress(bytes, bytes));
      }
      return new FullModel(hashes.manifest(), hashes, files);
    } catch (RuntimeException | Error e) {
      files.close();
      throw e;
    }
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
    return true;
  }

  @Override
  public BitSet held() {
    BitSet all = new BitSet();
    all.set(0, manifest.leaves().count());
    return all;
  }

  @Override
  public void read(int leaf, ByteBuffer into) throws IOException {
    Leaves leaves = manifest.leaves();
    files.checkUnchanged();
    int file = leaves.file(leaf);
    FileChannel channel = files.channel(file);
    FileParts.read(channel, files.start(file) + leaves.offset(leaf), leaves.bytes(leaf), into);
  }

  @Override
  public void close() {
    files.close();
  }
}
