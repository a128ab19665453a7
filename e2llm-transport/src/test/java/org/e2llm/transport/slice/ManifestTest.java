package org.e2llm.transport.slice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.e2llm.E2llmException;
import org.e2llm.ModelFormatException;
import org.e2llm.UnsupportedModelException;
import org.e2llm.cluster.ProtocolException;
import org.e2llm.model.ModelLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ManifestTest {
  private static final int MIB = 1 << 20;

  @TempDir Path folder;

  @Test
  void equalFilesHaveOneIdWhereverTheyLie() throws IOException {
    Path elsewhere = Files.createDirectory(folder.resolve("elsewhere"));
    try (FullModel one = TestModel.write(folder, 1, 3, 2 * MIB).full();
        FullModel same = TestModel.write(elsewhere, 1, 3, 2 * MIB).full();
        FullModel other = TestModel.write(folder, 2, 3, 2 * MIB).full()) {
      assertThat(one.manifest().modelId()).matches("[0-9a-f]{64}");
      assertThat(same.manifest().modelId()).isEqualTo(one.manifest().modelId());
      assertThat(other.manifest().modelId()).isNotEqualTo(one.manifest().modelId());
    }
  }

  @Test
  void oneBitAnywhereInAHeaderOrATensorIsAnotherModel() throws IOException {
    TestModel model = TestModel.write(folder, 3, 2, MIB + 77, 2);
    String id = id(model);
    for (ModelLayout.Tensor tensor : model.layout().tensors()) {
      assertThat(withFlippedBit(model, tensor.file(), tensor.offset() + tensor.bytes() - 1))
          .as(tensor.name())
          .isNotEqualTo(id);
    }
    assertThat(withFlippedBit(model, 1, 5)).isNotEqualTo(id);
    assertThat(id(model)).isEqualTo(id);
  }

  @Test
  void whatIsDecodedSaysTheSame() {
    try (FullModel full = TestModel.write(folder, 4, 3, 2 * MIB, 3).full()) {
      Manifest made = full.manifest();
      Manifest decoded = ManifestCodec.decode(bytes(made));
      assertThat(decoded.modelId()).isEqualTo(made.modelId());
      assertThat(decoded.files()).isEqualTo(3);
      assertThat(decoded.header(1)).isEqualTo(made.header(1));
      assertThat(decoded.leaves().count()).isEqualTo(made.leaves().count());
    }
  }

  @Test
  void everyManifestCutShortIsRefused() {
    try (FullModel full = TestModel.write(folder, 5, 1, 1000).full()) {
      byte[] all = bytes(full.manifest());
      for (int length = 0; length < all.length; length++) {
        byte[] cut = Arrays.copyOf(all, length);
        assertThatThrownBy(() -> ManifestCodec.decode(cut)).isInstanceOf(ProtocolException.class);
      }
      byte[] longer = Arrays.copyOf(all, all.length + 1);
      assertThatThrownBy(() -> ManifestCodec.decode(longer))
          .isInstanceOf(ProtocolException.class)
          .hasMessageContaining("1 bytes after its last field");
    }
  }

  @Test
  void tensorsThatShareBytesAreRefused() {
    Leaves leaves = new Leaves(new int[] {0, 0}, new long[] {40, 30}, new long[] {10, 11});
    assertThatThrownBy(
            () ->
                ManifestCodec.make(
                    new long[] {100}, List.of(new byte[30]), leaves, new byte[2 * 32]))
        .isInstanceOf(UnsupportedModelException.class)
        .hasMessageContaining("tensors 1 and 0 overlap");
  }

  @Test
  void aManifestThatSaysOtherThanTheHeaderIsRefused() {
    TestModel model = TestModel.write(folder, 6, 2, MIB);
    try (FullModel full = model.full()) {
      full.manifest().check(model.layout());
      List<ModelLayout.Tensor> moved = new ArrayList<>(model.layout().tensors());
      ModelLayout.Tensor last = moved.remove(moved.size() - 1);
      moved.add(
          new ModelLayout.Tensor(
              last.name(), last.part(), -1, 0, last.offset() + 32, last.bytes()));
      ModelLayout other = new ModelLayout(2, false, model.layout().files(), moved);
      assertThatThrownBy(() -> full.manifest().check(other))
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("offset of tensor unused.weight is " + last.offset());
    }
  }

  @Test
  void filesAreHashedOnceUntilTheyChange() throws IOException {
    TestModel model = TestModel.write(folder, 7, 2, 3 * MIB, 2);
    Path cache = folder.resolve("cache");
    try (FullModel first = model.full(cache)) {
      // Bytes change, size and time do not: what comes now was not read from the file.
      FileTime time = Files.getLastModifiedTime(model.paths().get(0));
      flip(model.paths().get(0), model.layout().tensors().get(0).offset());
      Files.setLastModifiedTime(model.paths().get(0), time);
      try (FullModel second = model.full(cache)) {
        assertThat(second.manifest().modelId()).isEqualTo(first.manifest().modelId());
      }
      Files.setLastModifiedTime(model.paths().get(0), FileTime.fromMillis(time.toMillis() + 5000));
      try (FullModel third = model.full(cache)) {
        assertThat(third.manifest().modelId()).isNotEqualTo(first.manifest().modelId());
      }
    }
  }

  @Test
  void aDamagedCacheIsAsNone() throws IOException {
    TestModel model = TestModel.write(folder, 8, 2, 2 * MIB);
    Path cache = folder.resolve("cache");
    String id;
    try (FullModel first = model.full(cache)) {
      id = first.manifest().modelId();
    }
    Path entry;
    try (Stream<Path> entries = Files.list(cache)) {
      entry = entries.findFirst().orElseThrow();
    }
    byte[] good = Files.readAllBytes(entry);
    for (int at = 0; at < good.length; at += 1 + good.length / 60) {
      byte[] bad = good.clone();
      bad[at] ^= 4;
      Files.write(entry, bad);
      try (FullModel again = model.full(cache)) {
        assertThat(again.manifest().modelId()).as("byte %d", at).isEqualTo(id);
        assertThat(again.hashes().known().cardinality()).isEqualTo(model.layout().tensors().size());
      }
    }
  }

  @Test
  void hashingTellsHowFarItIsAndCanBeCancelled() throws Exception {
    TestModel model = TestModel.write(folder, 9, 4, 3 * MIB);
    List<SliceProgress> seen = new ArrayList<>();
    try (FullModel full =
        FullModel.open(model.layout(), null, seen::add).get(20, TimeUnit.SECONDS)) {
      assertThat(seen.get(seen.size() - 1).isComplete()).isTrue();
      assertThat(seen).isSortedAccordingTo((a, b) -> Long.compare(a.doneBytes(), b.doneBytes()));
      assertThat(seen.get(0).totalBytes()).isEqualTo(full.manifest().leaves().bytes(full.held()));
    }
    CountDownLatch atWork = new CountDownLatch(1);
    CountDownLatch cancelled = new CountDownLatch(1);
    List<SliceProgress> after = new ArrayList<>();
    CompletableFuture<FullModel> hashing =
        FullModel.open(
            model.layout(),
            null,
            progress -> {
              after.add(progress);
              atWork.countDown();
              try {
                cancelled.await(20, TimeUnit.SECONDS);
              } catch (InterruptedException e) {
                throw new AssertionError(e);
              }
            });
    assertThat(atWork.await(20, TimeUnit.SECONDS)).isTrue();
    hashing.cancel(false);
    cancelled.countDown();
    assertThatThrownBy(hashing::join).isInstanceOf(CancellationException.class);
    for (int i = 0; i < 1000 && hashingThreads() > 0; i++) {
      Thread.sleep(5);
    }
    assertThat(hashingThreads()).isZero();
    assertThat(after).hasSize(1);
  }

  private static long hashingThreads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().equals("e2llm-slice-hash"))
        .count();
  }

  @Test
  void aFileOfAnotherSizeThanItsHeaderSaysIsRefused() throws IOException {
    TestModel model = TestModel.write(folder, 10, 1, 1000);
    Files.write(model.paths().get(0), new byte[10]);
    assertThatThrownBy(model::full)
        .hasRootCauseInstanceOf(E2llmException.class)
        .hasStackTraceContaining("has 10 bytes, its header was read when it had");
  }

  private static byte[] bytes(Manifest manifest) {
    ByteBuffer encoded = manifest.encoded();
    byte[] bytes = new byte[encoded.remaining()];
    encoded.get(bytes);
    return bytes;
  }

  private static String id(TestModel model) {
    try (FullModel full = model.full()) {
      return full.manifest().modelId();
    }
  }

  private static String withFlippedBit(TestModel model, int file, long at) throws IOException {
    flip(model.paths().get(file), at);
    String id = id(model);
    flip(model.paths().get(file), at);
    return id;
  }

  private static void flip(Path path, long at) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      file.seek(at);
      int value = file.read();
      file.seek(at);
      file.write(value ^ 1);
    }
  }
}
