package org.e2llm.transport.slice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.BitSet;
import java.util.List;
import java.util.stream.Stream;
import org.e2llm.cluster.CacheFullException;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelLayout;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoreTest {
  private static final int MIB = 1 << 20;
  private static final long PLENTY = 1L << 40;

  @TempDir Path folder;
  private Path cache;

  @BeforeEach
  void chooseACache() {
    cache = folder.resolve("cache");
  }

  @Test
  void aFileInTheCacheHasHeaderAndFetchedLeavesAtTheirPlaces() throws IOException {
    TestModel model = TestModel.write(folder, 1, 4, 2 * MIB);
    SliceStore store = SliceStore.open(cache, PLENTY);
    try (FullModel full = model.full();
        StoredModel stored = store.open(full.manifest())) {
      LayerRange layers = LayerRange.of(1, 3);
      BitSet wanted = full.manifest().leaves().needed(model.layout(), List.of(layers));
      fill(stored, full, wanted);
      Path path = stored.source().path();
      assertThat(Files.size(path)).isEqualTo(Files.size(model.paths().get(0)));
      assertThat(stored.held()).isEqualTo(wanted);
      for (ModelLayout.Tensor tensor : model.layout().tensors()) {
        byte[] here = TestModel.bytes(tensor, path);
        if (model.layout().needs(layers, tensor)) {
          assertThat(here)
              .as(tensor.name())
              .isEqualTo(TestModel.bytes(tensor, model.paths().get(0)));
        } else {
          assertThat(here).as(tensor.name()).containsOnly(0);
        }
      }
    }
  }

  @Test
  void aSetIsStoredAsASet() throws IOException {
    TestModel model = TestModel.write(folder, 2, 4, MIB, 3);
    try (FullModel full = model.full();
        StoredModel stored = SliceStore.open(cache, PLENTY).open(full.manifest())) {
      fill(stored, full, full.held());
      List<ModelLayout.File> files = model.at(stored.source()).files();
      assertThat(files.get(2).source().path().getFileName().toString())
          .isEqualTo("model-00003-of-00003.gguf");
      for (int i = 0; i < 3; i++) {
        assertThat(files.get(i).source().path()).hasSameBinaryContentAs(model.paths().get(i));
      }
    }
  }

  @Test
  void nothingWrongIsEverWritten() throws IOException {
    TestModel model = TestModel.write(folder, 3, 2, 3 * MIB);
    try (FullModel full = model.full();
        StoredModel stored = SliceStore.open(cache, PLENTY).open(full.manifest())) {
      int tensor = 2;
      int leaf = full.manifest().leaves().first(tensor);
      ByteBuffer data = leaf(full, leaf);
      assertThat(stored.offer(leaf, data.duplicate())).as("hashes are not known yet").isFalse();
      ByteBuffer hashes = hashes(full, tensor);
      hashes.put(40, (byte) (hashes.get(40) ^ 1));
      assertThat(stored.offerHashes(tensor, hashes)).isFalse();
      assertThat(stored.offerHashes(tensor, hashes(full, tensor))).isTrue();
      ByteBuffer changed = leaf(full, leaf);
      changed.put(MIB - 1, (byte) (changed.get(MIB - 1) ^ 1));
      assertThat(stored.offer(leaf, changed)).isFalse();
      ByteBuffer cut = data.duplicate();
      cut.limit(MIB - 1);
      assertThat(stored.offer(leaf, cut)).isFalse();
      assertThat(stored.offer(leaf + 1, data.duplicate())).isFalse();
      assertThat(stored.held().isEmpty()).isTrue();
      assertThat(TestModel.bytes(model.layout().tensors().get(tensor), stored.source().path()))
          .containsOnly(0);
      assertThat(stored.offer(leaf, data)).isTrue();
      assertThat(stored.holds(leaf)).isTrue();
    }
  }

  @Test
  void whatWasFetchedIsThereAfterARestart() throws IOException {
    TestModel model = TestModel.write(folder, 4, 4, 2 * MIB);
    try (FullModel full = model.full()) {
      BitSet some = new BitSet();
      some.set(3, 9);
      try (StoredModel stored = SliceStore.open(cache, PLENTY).open(full.manifest())) {
        fill(stored, full, some);
      }
      try (StoredModel again = SliceStore.open(cache, PLENTY).find(full.manifest().modelId())) {
        assertThat(again.held()).isEqualTo(some);
        ByteBuffer read = ByteBuffer.allocate(MIB);
        again.read(4, read);
        assertThat(read.flip()).isEqualTo(leaf(full, 4));
        assertThat(again.hashes().knows(full.manifest().leaves().tensorOf(4))).isTrue();
      }
    }
  }

  /** The process is gone without a close, and of two leaves the bytes never reached the disk. */
  @Test
  void aCrashCostsOnlyWhatWasNotOnDisk() throws IOException {
    TestModel model = TestModel.write(folder, 5, 4, 2 * MIB);
    try (FullModel full = model.full()) {
      Leaves leaves = full.manifest().leaves();
      BitSet safe = new BitSet();
      safe.set(0, 4);
      BitSet later = new BitSet();
      later.set(4, 10);
      SliceStore store = SliceStore.open(cache, PLENTY);
      Path crashed = folder.resolve("crashed");
      try (StoredModel stored = store.open(full.manifest())) {
        fill(stored, full, safe);
        stored.sync();
        fill(stored, full, later);
        copy(cache, crashed);
      }
      Path file = crashed.resolve(full.manifest().modelId()).resolve("model.gguf");
      for (int lost : new int[] {5, 8}) {
        try (var channel = Files.newByteChannel(file, StandardOpenOption.WRITE)) {
          channel.position(leaves.offset(lost));
          channel.write(ByteBuffer.allocate(leaves.bytes(lost)));
        }
      }
      try (StoredModel again = SliceStore.open(crashed, PLENTY).find(full.manifest().modelId())) {
        BitSet expected = new BitSet();
        expected.set(0, 10);
        expected.clear(5);
        expected.clear(8);
        assertThat(again.held()).isEqualTo(expected);
      }
    }
  }

  @Test
  void twoPeersOfOneHostShareAModel() throws IOException {
    TestModel model = TestModel.write(folder, 6, 4, 2 * MIB);
    try (FullModel full = model.full();
        StoredModel one = SliceStore.open(cache, PLENTY).open(full.manifest());
        StoredModel two = SliceStore.open(cache, PLENTY).open(full.manifest())) {
      BitSet low = new BitSet();
      low.set(0, 5);
      BitSet high = new BitSet();
      high.set(5, 9);
      fill(one, full, low);
      fill(two, full, high);
      one.refresh();
      two.refresh();
      assertThat(one.held().cardinality()).isEqualTo(9);
      assertThat(two.held()).isEqualTo(one.held());
      one.sync();
      two.sync();
      assertThat(two.held()).isEqualTo(one.held());
    }
  }

  @Test
  void theModelUsedLeastRecentlyGoesFirstAndNeverOneInUse() throws IOException {
    TestModel[] models = new TestModel[4];
    String[] ids = new String[4];
    long each = 0;
    for (int i = 0; i < 4; i++) {
      models[i] = TestModel.write(folder, 10 + i, 2, 2 * MIB);
      try (FullModel full = models[i].full()) {
        ids[i] = full.manifest().modelId();
        each =
            full.manifest().leaves().bytes(full.held()) + StoredModel.fixedBytes(full.manifest());
      }
    }
    SliceStore store = SliceStore.open(cache, 3 * each + MIB);
    for (int i = 0; i < 3; i++) {
      put(store, models[i]);
      Files.setLastModifiedTime(
          cache.resolve("locks").resolve(ids[i]), FileTime.fromMillis(1_000_000L * (i + 1)));
    }
    assertThat(store.usedBytes()).isEqualTo(3 * each);
    try (StoredModel inUse = store.find(ids[0])) {
      Files.setLastModifiedTime(cache.resolve("locks").resolve(ids[0]), FileTime.fromMillis(1));
      put(store, models[3]);
      assertThat(store.modelIds()).containsExactlyInAnyOrder(ids[0], ids[2], ids[3]);
      assertThat(store.usedBytes()).isLessThanOrEqualTo(store.maxBytes());
      assertThat(inUse.held().cardinality()).isPositive();
    }
    assertThat(store.find(ids[1])).isNull();
  }

  @Test
  void aFullCacheSaysHowMuchIsMissing() {
    TestModel model = TestModel.write(folder, 20, 4, 2 * MIB);
    try (FullModel full = model.full()) {
      long all = full.manifest().leaves().bytes(full.held());
      long fixed = StoredModel.fixedBytes(full.manifest());
      SliceStore store = SliceStore.open(cache, fixed + all - 1000);
      try (StoredModel stored = store.open(full.manifest())) {
        store.reserve(stored, all - 1000);
        assertThatThrownBy(() -> store.reserve(stored, all))
            .isInstanceOfSatisfying(
                CacheFullException.class, full1 -> assertThat(full1.missingBytes()).isEqualTo(1000))
            .hasMessageContaining("1000 bytes are missing. The cache may have");
        assertThatThrownBy(() -> SliceStore.open(cache, PLENTY).reserve(stored, PLENTY / 2))
            .isInstanceOf(CacheFullException.class)
            .hasMessageContaining("The disk has");
      }
    }
  }

  @Test
  void aDamagedModelIsMadeAnewAndLeftoversGo() throws IOException {
    TestModel model = TestModel.write(folder, 30, 2, MIB);
    try (FullModel full = model.full()) {
      String id = full.manifest().modelId();
      SliceStore store = SliceStore.open(cache, PLENTY);
      for (String damaged : List.of("manifest", "model.gguf", "leaves", "hashes")) {
        put(store, model);
        Files.write(cache.resolve(id).resolve(damaged), new byte[7]);
        assertThat(store.find(id)).as(damaged).isNull();
        assertThat(cache.resolve(id)).doesNotExist();
      }
      Path leftover = Files.createDirectory(cache.resolve(id + ".draft"));
      Files.write(leftover.resolve("model.gguf"), new byte[10]);
      assertThat(store.usedBytes()).isZero();
      assertThat(leftover).doesNotExist();
    }
  }

  @Test
  void aLockHoldsWithinOneProcessToo() throws IOException {
    Path file = folder.resolve("lock");
    try (FolderLock one = FolderLock.tryLock(file, true);
        FolderLock two = FolderLock.tryLock(file, true)) {
      assertThat(FolderLock.tryLock(file, false)).isNull();
      two.close();
      two.close();
      assertThat(FolderLock.tryLock(file, false)).isNull();
      one.close();
      try (FolderLock alone = FolderLock.tryLock(file, false)) {
        assertThat(alone).isNotNull();
        assertThat(FolderLock.tryLock(file, true)).isNull();
      }
    }
  }

  // ---- helpers

  private static void put(SliceStore store, TestModel model) throws IOException {
    try (FullModel full = model.full();
        StoredModel stored = store.open(full.manifest())) {
      BitSet missing = full.held();
      missing.andNot(stored.held());
      store.reserve(stored, full.manifest().leaves().bytes(missing));
      fill(stored, full, missing);
    }
  }

  private static void fill(StoredModel stored, FullModel full, BitSet wanted) throws IOException {
    Leaves leaves = full.manifest().leaves();
    for (int leaf = wanted.nextSetBit(0); leaf >= 0; leaf = wanted.nextSetBit(leaf + 1)) {
      int tensor = leaves.tensorOf(leaf);
      if (!stored.hashes().knows(tensor)) {
        assertThat(stored.offerHashes(tensor, hashes(full, tensor))).isTrue();
      }
      assertThat(stored.offer(leaf, leaf(full, leaf))).isTrue();
    }
  }

  private static ByteBuffer hashes(FullModel full, int tensor) {
    ByteBuffer hashes = ByteBuffer.allocate(full.manifest().leaves().count(tensor) * 32);
    full.hashes().read(tensor, hashes);
    hashes.flip();
    return hashes;
  }

  private static ByteBuffer leaf(FullModel full, int leaf) throws IOException {
    ByteBuffer data = ByteBuffer.allocate(MIB);
    full.read(leaf, data);
    data.flip();
    return data;
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> all = Files.walk(from)) {
      for (Path path : (Iterable<Path>) all::iterator) {
        Files.copy(path, to.resolve(from.relativize(path)));
      }
    }
  }
}
