package org.e2llm.transport.slice;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import org.e2llm.ModelFormatException;
import org.e2llm.model.ModelLayout;

/**
 * What a model is, byte for byte: the headers of its GGUF files, where its tensors lie, and a
 * Merkle root for each. Its SHA-256 is the model's id. Made by {@link ManifestMaker} from files, or
 * read from what a peer sent ({@link ManifestCodec}, which has the format). Immutable.
 */
public final class Manifest {
  private final byte[] encoded;
  private final String modelId;
  private final long[] fileBytes;
  private final int[] headerAt;
  private final int[] headerBytes;
  private final byte[] roots;
  private final Leaves leaves;

  Manifest(
      byte[] encoded,
      long[] fileBytes,
      int[] headerAt,
      int[] headerBytes,
      Leaves leaves,
      byte[] roots) {
    this.encoded = encoded;
    this.modelId = Hex.of(Merkle.sha256().digest(encoded));
    this.fileBytes = fileBytes;
    this.headerAt = headerAt;
    this.headerBytes = headerBytes;
    this.leaves = leaves;
    this.roots = roots;
  }

  /** 64 lower-case hex characters. */
  public String modelId() {
    return modelId;
  }

  /** Files of the set. */
  int files() {
    return fileBytes.length;
  }

  long fileBytes(int file) {
    return fileBytes[file];
  }

  /** The bytes of the file before its first tensor; read-only. */
  ByteBuffer header(int file) {
    ByteBuffer header = encoded();
    ((Buffer) header).position(headerAt[file]);
    ((Buffer) header).limit(headerAt[file] + headerBytes[file]);
    return header;
  }

  Leaves leaves() {
    return leaves;
  }

  /** Whether {@code root}, 32 bytes, is the tensor's. */
  boolean isRoot(int tensor, byte[] root) {
    int at = tensor * Merkle.HASH_BYTES;
    return Arrays.equals(roots, at, at + Merkle.HASH_BYTES, root, 0, Merkle.HASH_BYTES);
  }

  /** Puts the tensor's root at {@code out[at]}. */
  void root(int tensor, byte[] out, int at) {
    System.arraycopy(roots, tensor * Merkle.HASH_BYTES, out, at, Merkle.HASH_BYTES);
  }

  /** The canonical encoding; read-only. */
  ByteBuffer encoded() {
    return ByteBuffer.wrap(encoded).asReadOnlyBuffer();
  }

  /**
   * Refuses a manifest that says something else than the headers in it.
   *
   * @param layout what the engine reads from those headers
   * @throws ModelFormatException names the first difference
   */
  void check(ModelLayout layout) {
    List<ModelLayout.Tensor> tensors = layout.tensors();
    same("number of files", files(), layout.files().size());
    same("number of tensors", leaves.tensors(), tensors.size());
    for (int i = 0; i < files(); i++) {
      same("bytes of file " + i, fileBytes[i], layout.files().get(i).bytes());
      same("bytes of header " + i, headerBytes[i], layout.files().get(i).headerBytes());
    }
    for (int i = 0; i < tensors.size(); i++) {
      ModelLayout.Tensor tensor = tensors.get(i);
      int leaf = leaves.first(i);
      same("file of tensor " + tensor.name(), leaves.file(leaf), tensor.file());
      same("offset of tensor " + tensor.name(), leaves.offset(leaf), tensor.offset());
      same("bytes of tensor " + tensor.name(), leaves.tensorBytes(i), tensor.bytes());
    }
  }

  private void same(String what, long found, long expected) {
    if (found != expected) {
      throw new ModelFormatException(
          "manifest of model "
              + modelId
              + ": the "
              + what
              + " is "
              + found
              + ", by the GGUF header it is "
              + expected);
    }
  }
}
