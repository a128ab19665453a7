package org.e2llm.transport.slice;

import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.e2llm.cluster.ProtocolException;
import org.jspecify.annotations.Nullable;

/**
 * Decides from whom a manifest comes, and puts its pieces together. From one peer at a time, since
 * only the whole can be verified; a peer whose whole is wrong is never asked again. Memory is taken
 * for pieces that came, not for what a peer promises. Pure, for one thread.
 */
final class ManifestFetch {
  /** Where decisions go. */
  interface Requests {
    void askManifest(String peer, int piece);
  }

  private static final int WINDOW = 4;

  private final String modelId;
  private final long timeout;
  private final Map<String, Integer> sizes = new LinkedHashMap<>();
  private final Set<String> excluded = new HashSet<>();

  /** Who is asked at present, and what it has sent. */
  private @Nullable String source;

  private byte[] @Nullable [] pieces = new byte[0][];
  private int asked;
  private int arrived;
  private long heard;
  private @Nullable Manifest manifest;

  ManifestFetch(String modelId, long timeoutNanos) {
    this.modelId = modelId;
    this.timeout = timeoutNanos;
  }

  /** A peer has it, of so many bytes; 0 if not. */
  void announced(String peer, int bytes) {
    if (bytes == 0 || bytes > ManifestCodec.MAX_BYTES) {
      lost(peer);
    } else if (!excluded.contains(peer)) {
      sizes.put(peer, bytes);
    }
  }

  void lost(String peer) {
    sizes.remove(peer);
    if (peer.equals(source)) {
      source = null;
    }
  }

  /**
   * A piece came.
   *
   * @return why the peer it came from is excluded, or null
   */
  @Nullable String arrived(String peer, int piece, ByteBuffer data, long now) {
    if (!peer.equals(source) || piece >= pieces.length || pieces[piece] != null) {
      return null;
    }
    int size = size(peer);
    int expected = Math.min(Merkle.LEAF_BYTES, size - piece * Merkle.LEAF_BYTES);
    if (data.remaining() != expected) {
      return exclude(
          peer, "piece " + piece + " of the manifest has " + data.remaining() + " bytes");
    }
    byte[] bytes = new byte[expected];
    data.get(bytes);
    pieces[piece] = bytes;
    arrived++;
    heard = now;
    return arrived < pieces.length ? null : finish(peer, size);
  }

  private @Nullable String finish(String peer, int size) {
    byte[] whole = new byte[size];
    for (int i = 0; i < pieces.length; i++) {
      byte[] piece = pieces[i];
      if (piece != null) {
        System.arraycopy(piece, 0, whole, i * Merkle.LEAF_BYTES, piece.length);
      }
    }
    try {
      Manifest found = ManifestCodec.decode(whole);
      if (!found.modelId().equals(modelId)) {
        return exclude(peer, "its manifest is that of " + found.modelId());
      }
      manifest = found;
      return null;
    } catch (ProtocolException e) {
      return exclude(peer, "its manifest is none: " + e.getMessage());
    }
  }

  private String exclude(String peer, String why) {
    excluded.add(peer);
    lost(peer);
    return why;
  }

  /** Once it is there. */
  @Nullable Manifest manifest() {
    return manifest;
  }

  /** Asks for what should be asked for now. */
  void decide(long now, Requests requests) {
    if (manifest != null) {
      return;
    }
    String from = source;
    if (from != null && now - heard > timeout) {
      Integer size = sizes.remove(from);
      if (size != null) {
        sizes.put(from, size); // The others first.
      }
      from = null;
    }
    if (from == null && !sizes.isEmpty()) {
      from = sizes.keySet().iterator().next();
      int size = size(from);
      pieces = new byte[(size + Merkle.LEAF_BYTES - 1) / Merkle.LEAF_BYTES][];
      asked = 0;
      arrived = 0;
      heard = now;
    }
    source = from;
    while (from != null && asked < pieces.length && asked - arrived < WINDOW) {
      requests.askManifest(from, asked++);
    }
  }

  private int size(String peer) {
    Integer size = sizes.get(peer);
    return size == null ? 0 : size;
  }
}
