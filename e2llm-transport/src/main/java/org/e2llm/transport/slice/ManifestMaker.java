package org.e2llm.transport.slice;

import java.io.IOException;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.e2llm.E2llmException;
import org.e2llm.UnsupportedModelException;
import org.e2llm.model.ModelLayout;

/**
 * Hashes a model's files, from their first byte to the last tensor's; takes as long as that takes.
 */
final class ManifestMaker {
  private final ModelLayout layout;
  private final OpenFiles files;
  private final Consumer<SliceProgress> progress;
  private final BooleanSupplier cancelled;
  private final Merkle merkle = new Merkle();
  private final ByteBuffer leaf = ByteBuffer.allocate(Merkle.LEAF_BYTES);

  /**
   * @param progress told bytes of tensors hashed, at most once per percent
   * @param cancelled asked before each leaf
   */
  ManifestMaker(
      ModelLayout layout,
      OpenFiles files,
      Consumer<SliceProgress> progress,
      BooleanSupplier cancelled) {
    this.layout = layout;
    this.files = files;
    this.progress = progress;
    this.cancelled = cancelled;
  }

  /**
   * The hashes of all leaves, and with them the manifest.
   *
   * @throws CancellationException if it was cancelled
   * @throws E2llmException if the files cannot be read, were changed meanwhile, or are beyond the
   *     limits of a manifest
   */
  LeafHashes make() {
    try {
      List<byte[]> headers = headers();
      Leaves leaves = leaves();
      byte[] hashes = hash(leaves);
      files.check();
      byte[] roots = new byte[leaves.tensors() * Merkle.HASH_BYTES];
      for (int i = 0; i < leaves.tensors(); i++) {
        byte[] root = merkle.root(hashes, leaves.first(i) * Merkle.HASH_BYTES, leaves.count(i));
        System.arraycopy(root, 0, roots, i * Merkle.HASH_BYTES, Merkle.HASH_BYTES);
      }
      long[] bytes = layout.files().stream().mapToLong(ModelLayout.File::bytes).toArray();
      return new LeafHashes(ManifestCodec.make(bytes, headers, leaves, roots), hashes);
    } catch (IOException e) {
      throw new E2llmException("cannot hash a model: " + e.getMessage(), e);
    }
  }

  private List<byte[]> headers() throws IOException {
    List<byte[]> headers = new ArrayList<>();
    for (int i = 0; i < layout.files().size(); i++) {
      long bytes = layout.files().get(i).headerBytes();
      if (bytes > ManifestCodec.MAX_BYTES) {
        throw new UnsupportedModelException(
            "this model cannot be shared with peers: its header has "
                + bytes
                + " bytes, the limit is "
                + ManifestCodec.MAX_BYTES);
      }
      ByteBuffer header = ByteBuffer.allocate((int) bytes);
      FileParts.read(files.channel(i), files.start(i), (int) bytes, header);
      headers.add(header.array());
    }
    return headers;
  }

  private Leaves leaves() {
    List<ModelLayout.Tensor> tensors = layout.tensors();
    long bytes = tensors.stream().mapToLong(ModelLayout.Tensor::bytes).sum();
    if (tensors.size() > ManifestCodec.MAX_TENSORS || bytes > ManifestCodec.MAX_MODEL_BYTES) {
      throw new UnsupportedModelException(
          "this model cannot be shared with peers: it has "
              + tensors.size()
              + " tensors and "
              + bytes
              + " bytes, the limits are "
              + ManifestCodec.MAX_TENSORS
              + " and "
              + ManifestCodec.MAX_MODEL_BYTES);
    }
    return new Leaves(
        tensors.stream().mapToInt(ModelLayout.Tensor::file).toArray(),
        tensors.stream().mapToLong(ModelLayout.Tensor::offset).toArray(),
        tensors.stream().mapToLong(ModelLayout.Tensor::bytes).toArray());
  }

  private byte[] hash(Leaves leaves) throws IOException {
    byte[] hashes = new byte[leaves.count() * Merkle.HASH_BYTES];
    long total = layout.tensors().stream().mapToLong(ModelLayout.Tensor::bytes).sum();
    long done = 0;
    long told = 0;
    for (int i = 0; i < leaves.count(); i++) {
      if (cancelled.getAsBoolean()) {
        throw new CancellationException("hashing a model was cancelled");
      }
      ((Buffer) leaf).clear();
      int file = leaves.file(i);
      FileParts.read(
          files.channel(file), files.start(file) + leaves.offset(i), leaves.bytes(i), leaf);
      ((Buffer) leaf).flip();
      done += leaf.remaining();
      merkle.leaf(leaf, hashes, i * Merkle.HASH_BYTES);
      if (done - told >= total / 100 || done == total) {
        told = done;
        progress.accept(new SliceProgress(done, total));
      }
    }
    return hashes;
  }
}
