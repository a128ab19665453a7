package org.e2llm.transport.slice;

import java.nio.ByteBuffer;
import java.util.BitSet;
import org.e2llm.cluster.ProtocolException;
import org.e2llm.transport.wire.FieldReader;
import org.e2llm.transport.wire.FieldWriter;
import org.jspecify.annotations.Nullable;

/**
 * The frames about bytes of a model; lane BULK, little-endian.
 *
 * <pre>
 *  HAVE       32 bytes model id
 *             u32 bytes of the manifest, 0 if it is not there
 *             u8 leaves: 0 none, 1 all, 2 the runs that follow
 *             u32 runs, per run: u32 first leaf, u32 one past the last; ascending and apart
 *  GET        u8 kind, u32 index
 *  PIECE      u8 kind, u32 index, the bytes
 *  CANCEL     u8 kind, u32 index
 *  NOT_HERE   u8 kind, u32 index
 * </pre>
 *
 * <p>What is asked for is one piece of one {@link Kind}. A peer says what it has when a connection
 * opens and whenever that has grown; only who said it has the same model is asked. At most {@value
 * #MAX_REQUESTS} requests may wait for an answer on a connection.
 */
final class SliceFrames {
  static final byte HAVE = 0x30;
  static final byte GET = 0x31;
  static final byte PIECE = 0x32;
  static final byte CANCEL = 0x33;
  static final byte NOT_HERE = 0x34;

  /** What a piece is, and what its index counts. */
  enum Kind {
    /** MiB of the manifest. */
    MANIFEST,
    /** Tensors: the hashes of its leaves. */
    HASHES,
    /** Leaves: its bytes. */
    LEAF
  }

  /** Of GET, CANCEL and NOT_HERE, and of PIECE before the bytes. */
  static final int HEAD_BYTES = 5;

  static final int MAX_REQUESTS = 64;

  /** More would mean that nearly every second leaf is missing. */
  private static final int MAX_RUNS = 1 << 17;

  /** No model has as many. */
  static final int MAX_LEAVES =
      (int) (ManifestCodec.MAX_MODEL_BYTES / Merkle.LEAF_BYTES) + ManifestCodec.MAX_TENSORS;

  private static final int NONE = 0;
  private static final int ALL = 1;
  private static final int RUNS = 2;

  private SliceFrames() {}

  /**
   * What a peer has.
   *
   * @param manifestBytes 0 if it has no manifest
   * @param leaves null for all
   */
  record Have(String modelId, int manifestBytes, @Nullable BitSet leaves) {
    /** The leaves, of a model that has {@code count}. */
    BitSet of(int count) {
      BitSet all = leaves;
      if (all == null) {
        all = new BitSet(count);
        all.set(0, count);
      } else if (all.length() > count) {
        throw new ProtocolException(
            "have.leaves goes up to " + all.length() + ", the model has " + count);
      }
      return all;
    }
  }

  static ByteBuffer have(Have have) {
    BitSet leaves = have.leaves();
    FieldWriter out = new FieldWriter(64);
    out.bytes(Hex.parse(have.modelId())).u32(have.manifestBytes());
    if (leaves == null || leaves.isEmpty()) {
      return out.u8(leaves == null ? ALL : NONE).count(0).payload();
    }
    int runs = 0;
    for (int from = leaves.nextSetBit(0); from >= 0; runs++) {
      from = leaves.nextSetBit(leaves.nextClearBit(from));
    }
    out.u8(RUNS).count(Math.min(runs, MAX_RUNS));
    int left = Math.min(runs, MAX_RUNS);
    for (int from = leaves.nextSetBit(0); from >= 0 && left > 0; left--) {
      int to = leaves.nextClearBit(from);
      out.u32(from).u32(to);
      from = leaves.nextSetBit(to);
    }
    return out.payload();
  }

  static Have readHave(ByteBuffer payload) {
    FieldReader in = new FieldReader(payload);
    byte[] id = new byte[Merkle.HASH_BYTES];
    in.bytes("have.modelId", id);
    int manifest = in.i32("have.manifest", 0, ManifestCodec.MAX_BYTES);
    int kind = in.u8("have.leaves");
    int runs = in.count("have.runs", 8, kind == RUNS ? MAX_RUNS : 0);
    if (kind > RUNS) {
      throw new ProtocolException("have.leaves is " + kind + ", expected is 0 to 2");
    }
    BitSet leaves = kind == ALL ? null : new BitSet();
    int end = 0;
    for (int i = 0; i < runs && leaves != null; i++) {
      int from = in.i32("have.run.first", end, MAX_LEAVES - 1);
      end = in.i32("have.run.end", from + 1, MAX_LEAVES);
      leaves.set(from, end);
    }
    in.end("have");
    return new Have(Hex.of(id), manifest, leaves);
  }
}
