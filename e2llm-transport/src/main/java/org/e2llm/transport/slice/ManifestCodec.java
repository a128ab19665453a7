package org.e2llm.transport.slice;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.e2llm.UnsupportedModelException;
import org.e2llm.cluster.ProtocolException;
import org.e2llm.transport.wire.FieldReader;
import org.e2llm.transport.wire.FieldWriter;

/**
 * The canonical encoding of a {@link Manifest}, little-endian:
 *
 * <pre>
 *  u32 magic "E2MF"     u32 version = 1       u32 bytes per leaf = 1048576
 *  u32 files            per file:    i64 bytes, u32 header bytes, the header
 *  u32 tensors          per tensor:  u32 file, i64 offset, i64 bytes, 32 bytes Merkle root
 * </pre>
 *
 * Tensors come file after file, in the order of the headers. There is one encoding of a model, so
 * everybody who has the same files finds the same id. What is decoded comes from strangers: sizes
 * and counts are held to the limits below, tensors to their files and apart from each other.
 */
final class ManifestCodec {
  /** Headers of known models stay under 20 MiB. */
  static final int MAX_BYTES = 64 << 20;

  static final int MAX_FILES = 4096;
  static final int MAX_TENSORS = 1 << 16;

  /** 1 TiB: its leaves have 32 MiB of hashes. */
  static final long MAX_MODEL_BYTES = 1L << 40;

  /** 32 GiB: the hashes of its leaves fill one frame. */
  static final long MAX_TENSOR_BYTES = 1L << 35;

  private static final int MAGIC = 0x464d3245;
  private static final int VERSION = 1;
  private static final int FILE_BYTES = 8 + 4;
  private static final int TENSOR_BYTES = 4 + 8 + 8 + Merkle.HASH_BYTES;

  private ManifestCodec() {}

  /**
   * Encodes and decodes, so that nothing is made that peers would refuse.
   *
   * @param headers one per file
   * @param roots 32 bytes per tensor
   * @throws UnsupportedModelException for a model beyond the limits
   */
  static Manifest make(long[] fileBytes, List<byte[]> headers, Leaves leaves, byte[] roots) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    FieldWriter fields = new FieldWriter(64);
    fields.i32(MAGIC).i32(VERSION).i32(Merkle.LEAF_BYTES).count(fileBytes.length);
    for (int i = 0; i < fileBytes.length; i++) {
      flush(fields.i64(fileBytes[i]).u32(headers.get(i).length), out);
      out.write(headers.get(i), 0, headers.get(i).length);
    }
    fields.count(leaves.tensors());
    for (int i = 0; i < leaves.tensors(); i++) {
      int leaf = leaves.first(i);
      fields.i32(leaves.file(leaf)).i64(leaves.offset(leaf)).i64(leaves.tensorBytes(i));
      flush(fields, out);
      out.write(roots, i * Merkle.HASH_BYTES, Merkle.HASH_BYTES);
    }
    flush(fields, out);
    try {
      return decode(out.toByteArray());
    } catch (ProtocolException e) {
      throw new UnsupportedModelException(
          "this model cannot be shared with peers: " + e.getMessage(), e);
    }
  }

  private static void flush(FieldWriter fields, ByteArrayOutputStream out) {
    ByteBuffer written = fields.payload();
    out.write(written.array(), 0, written.limit());
    fields.clear();
  }

  /**
   * Reads and checks what {@code bytes} say; they belong to the manifest then.
   *
   * @throws ProtocolException names the field that is wrong
   */
  static Manifest decode(byte[] bytes) {
    if (bytes.length > MAX_BYTES) {
      throw new ProtocolException(
          "manifest of " + bytes.length + " bytes, allowed are " + MAX_BYTES);
    }
    FieldReader in = new FieldReader(ByteBuffer.wrap(bytes));
    expect(in, "manifest.magic", MAGIC);
    expect(in, "manifest.version", VERSION);
    expect(in, "manifest.leaf", Merkle.LEAF_BYTES);
    int files = in.count("manifest.files", FILE_BYTES, MAX_FILES);
    atLeastOne("manifest.files", files);
    long[] fileBytes = new long[files];
    int[] headerAt = new int[files];
    int[] headerBytes = new int[files];
    long all = 0;
    for (int i = 0; i < files; i++) {
      fileBytes[i] = in.i64("manifest.file.bytes", 1, MAX_MODEL_BYTES - all);
      all += fileBytes[i];
      long most = Math.min(fileBytes[i], MAX_BYTES);
      headerBytes[i] = in.i32("manifest.file.header", 1, (int) most);
      headerAt[i] = bytes.length - in.remaining();
      in.view("manifest.file.header", headerBytes[i]);
    }
    int tensors = in.count("manifest.tensors", TENSOR_BYTES, MAX_TENSORS);
    atLeastOne("manifest.tensors", tensors);
    int[] tensorFiles = new int[tensors];
    long[] offsets = new long[tensors];
    long[] tensorBytes = new long[tensors];
    byte[] roots = new byte[tensors * Merkle.HASH_BYTES];
    for (int i = 0; i < tensors; i++) {
      int file = in.i32("manifest.tensor.file", i == 0 ? 0 : tensorFiles[i - 1], files - 1);
      long end = fileBytes[file];
      tensorFiles[i] = file;
      offsets[i] = in.i64("manifest.tensor.offset", headerBytes[file], end - 1);
      long most = Math.min(end - offsets[i], MAX_TENSOR_BYTES);
      tensorBytes[i] = in.i64("manifest.tensor.bytes", 1, most);
      in.view("manifest.tensor.root", Merkle.HASH_BYTES)
          .get(roots, i * Merkle.HASH_BYTES, Merkle.HASH_BYTES);
    }
    in.end("manifest");
    checkApart(tensorFiles, offsets, tensorBytes);
    return new Manifest(
        bytes,
        fileBytes,
        headerAt,
        headerBytes,
        new Leaves(tensorFiles, offsets, tensorBytes),
        roots);
  }

  private static void expect(FieldReader in, String field, int expected) {
    int found = in.i32(field);
    if (found != expected) {
      throw new ProtocolException(field + " is " + found + ", expected is " + expected);
    }
  }

  private static void atLeastOne(String field, int count) {
    if (count == 0) {
      throw new ProtocolException(field + " is 0, expected is at least 1");
    }
  }

  /** Two tensors in one place could not both be verified. */
  private static void checkApart(int[] files, long[] offsets, long[] bytes) {
    List<Integer> order = new ArrayList<>(files.length);
    for (int i = 0; i < files.length; i++) {
      order.add(i);
    }
    order.sort(Comparator.<Integer>comparingInt(i -> files[i]).thenComparingLong(i -> offsets[i]));
    for (int i = 1; i < files.length; i++) {
      int before = order.get(i - 1);
      int tensor = order.get(i);
      if (files[before] == files[tensor] && offsets[before] + bytes[before] > offsets[tensor]) {
        throw new ProtocolException(
            "manifest.tensor.offset: tensors " + before + " and " + tensor + " overlap");
      }
    }
  }
}
