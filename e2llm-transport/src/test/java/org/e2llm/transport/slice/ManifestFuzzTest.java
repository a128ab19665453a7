package org.e2llm.transport.slice;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.ByteBuffer;
import java.util.BitSet;
import org.e2llm.cluster.ProtocolException;

/** Any bytes are a manifest that can be used, or a typed error. */
class ManifestFuzzTest {
  @FuzzTest
  void anyBytesAreAManifestOrRefused(byte[] data) {
    Manifest manifest;
    try {
      manifest = ManifestCodec.decode(data);
    } catch (ProtocolException expected) {
      if (expected.getMessage() == null) {
        throw new AssertionError("an error without a message", expected);
      }
      return;
    }
    Leaves leaves = manifest.leaves();
    long end = 0;
    for (int i = 0; i < manifest.files(); i++) {
      end += manifest.fileBytes(i);
    }
    BitSet all = new BitSet();
    all.set(0, Math.min(leaves.count(), 5000));
    if (leaves.bytes(all) > end || leaves.count() < leaves.tensors()) {
      throw new AssertionError("more in the tensors than in the files");
    }
    int last = leaves.count() - 1;
    if (leaves.bytes(last) < 1
        || leaves.offset(last) + leaves.bytes(last) > manifest.fileBytes(leaves.file(last))) {
      throw new AssertionError("a leaf outside its file");
    }
    ByteBuffer encoded = manifest.encoded();
    if (encoded.compareTo(ByteBuffer.wrap(data)) != 0) {
      throw new AssertionError("another encoding");
    }
  }
}
