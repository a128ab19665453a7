package org.e2llm.transport.slice;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class MerkleTest {
  private final Merkle merkle = new Merkle();

  /** The leaves of the test vectors that Certificate Transparency logs publish, and their roots. */
  @Test
  void rootsAreThoseOfRfc6962() {
    String[] leaves = {
      "",
      "00",
      "10",
      "2021",
      "3031",
      "40414243",
      "5051525354555657",
      "606162636465666768696a6b6c6d6e6f"
    };
    String[] roots = {
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
      "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
      "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
      "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
      "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
      "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    };
    byte[] hashes = new byte[leaves.length * 32];
    for (int i = 0; i < leaves.length; i++) {
      merkle.leaf(ByteBuffer.wrap(Hex.parse(leaves[i])), hashes, i * 32);
      assertThat(Hex.of(merkle.root(hashes, 0, i + 1))).isEqualTo(roots[i]);
    }
  }

  @Property(tries = 200)
  void anyChangeOfAnyLeafChangesTheRoot(
      @ForAll @IntRange(min = 1, max = 70) int count,
      @ForAll @IntRange(max = 1_000_000) int which,
      @ForAll @IntRange(max = 255) int bit) {
    byte[] hashes = new byte[count * 32];
    for (int i = 0; i < count; i++) {
      leaf("leaf " + i, hashes, i);
    }
    byte[] root = merkle.root(hashes, 0, count);
    byte[] changed = hashes.clone();
    changed[which % count * 32 + bit / 8] ^= (byte) (1 << bit % 8);
    assertThat(merkle.root(changed, 0, count)).isNotEqualTo(root);
    assertThat(merkle.root(hashes, 0, count)).isEqualTo(root);
  }

  @Property(tries = 50)
  void noInnerHashPassesForALeaf(@ForAll @IntRange(min = 2, max = 40) int count) {
    byte[] hashes = new byte[count * 32];
    Set<String> roots = new HashSet<>();
    for (int i = 0; i < count; i++) {
      leaf("leaf " + i, hashes, i);
      roots.add(Hex.of(merkle.root(hashes, 0, i + 1)));
    }
    assertThat(roots).hasSize(count);
    byte[] pair = Arrays.copyOf(hashes, 64);
    byte[] asLeaf = new byte[32];
    merkle.leaf(ByteBuffer.wrap(pair), asLeaf, 0);
    assertThat(asLeaf).isNotEqualTo(merkle.root(pair, 0, 2));
  }

  private void leaf(String text, byte[] hashes, int i) {
    merkle.leaf(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)), hashes, i * 32);
  }
}
