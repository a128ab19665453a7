package org.e2llm.kernels.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.e2llm.CapacityException;
import org.e2llm.ClosedException;
import org.e2llm.InvalidRequestException;
import org.e2llm.NonFiniteLogitsException;
import org.e2llm.StaleEpochException;
import org.e2llm.kernels.gguf.GgufFile;
import org.e2llm.kernels.gguf.TensorInfo;
import org.e2llm.kernels.math.KernelsLookup;
import org.e2llm.kernels.math.ScalarKernels;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelSource;
import org.e2llm.pipeline.Batch;
import org.e2llm.pipeline.Batch.Logits;
import org.e2llm.pipeline.Batch.Slice;
import org.e2llm.pipeline.KvBlock;
import org.e2llm.pipeline.StageOutput;
import org.e2llm.pipeline.StageSession;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a stage refuses, that a refusal changes nothing, and what it allocates and frees. */
class LocalStageTest {
  private static final int CONTEXT = 128;
  private static final Path MODEL = Golden.resource("stories260K-F16.gguf");

  private Chain chain;
  private LocalStage stage;
  private StageSession session;

  @BeforeEach
  void openAStageWithASession() {
    chain = chain(MODEL, 2);
    stage = chain.stages.get(0);
    session = stage.open(7, 3, 100);
    forward(3, 0, 1, 10, 20);
  }

  @AfterEach
  void close() {
    chain.close();
  }

  @Test
  void refusesASliceThatDoesNotContinueItsSession() {
    refuses(() -> forward(3, 2, 11), "holds 3 positions, the slice starts at 2");
    refuses(() -> forward(3, 4, 11), "holds 3 positions, the slice starts at 4");
  }

  @Test
  void refusesAnUnknownSession() {
    refuses(() -> forward(8, 3, 0, Logits.LAST, 1), "session 8 is not open");
  }

  @Test
  void refusesTwoSlicesOfOneSession() {
    List<Slice> twice =
        List.of(new Slice(7, 3, 3, 1, Logits.LAST), new Slice(7, 3, 4, 1, Logits.LAST));
    refuses(() -> Chain.forward(stage, Batch.ofTokens(twice, new int[] {1, 2})), "is twice");
  }

  @Test
  void refusesTokensOutsideTheVocabulary() {
    refuses(() -> forward(3, 3, 5, 512), "token id 512 at row 1, the vocabulary has 512");
    refuses(() -> forward(3, 3, -1), "token id -1");
    refuses(() -> forward(3, 3, Integer.MAX_VALUE), "token id 2147483647");
  }

  @Test
  void refusesMorePositionsThanTheSessionMayHold() {
    refuses(() -> forward(3, 3, new int[98]), "needs 101 positions, its capacity is 100");
  }

  @Test
  void refusesMoreRowsThanABatchMayHave() {
    refuses(() -> forward(3, 3, new int[513]), "batch of 513 rows, the limit is 512");
  }

  @Test
  void refusesHiddenStatesAtTheFirstStageAndTokensAfterIt() {
    List<Slice> slice = List.of(new Slice(7, 3, 3, 1, Logits.LAST));
    refuses(
        () -> Chain.forward(stage, Batch.ofHidden(slice, new float[64], 64)), "takes token ids");
    try (Chain cut = chain(MODEL, 1, 2)) {
      LocalStage later = cut.stages.get(1);
      later.open(7, 3, 100);
      List<Slice> first = List.of(new Slice(7, 3, 0, 1, Logits.LAST));
      refuses(
          () -> Chain.forward(later, Batch.ofTokens(first, new int[] {1})), "takes hidden states");
      refuses(
          () -> Chain.forward(later, Batch.ofHidden(first, new float[32], 32)),
          "hidden states of width 32, expected 64");
    }
  }

  @Test
  void refusesAnOlderEpochAndFollowsANewerOne() {
    assertThatThrownBy(() -> forward(2, 3, 11))
        .isInstanceOf(StaleEpochException.class)
        .hasMessageContaining("is at epoch 3, the batch is of 2");
    forward(5, 3, 11);
    assertThat(session.epoch()).isEqualTo(5);
    assertThatThrownBy(() -> forward(3, 4, 11)).isInstanceOf(StaleEpochException.class);
    assertThat(session.length()).isEqualTo(4);
  }

  @Test
  void refusesSessionsItCannotHold() {
    refuses(() -> stage.open(7, 0, 10), "session 7 is already open");
    refuses(() -> stage.open(8, 0, 0), "capacity 0");
    assertThatThrownBy(() -> stage.open(8, 0, 129))
        .isInstanceOf(CapacityException.class)
        .hasMessageContaining("the context length is 128");
  }

  @Test
  void refusesToTruncateToWhatASessionDoesNotHold() {
    refuses(() -> session.truncate(4), "cannot be truncated to 4, it holds 3");
    refuses(() -> session.truncate(-1), "cannot be truncated to -1");
  }

  @Test
  void refusesKvThatDoesNotFit() {
    KvBlock good = session.exportKv(LayerRange.of(0, 5), 0, 3);
    StageSession target = stage.open(8, 0, 10);
    LayerRange all = good.layers();
    ByteBuffer data = good.data();
    ByteBuffer shorter = data.duplicate().limit(data.limit() - 1);
    refusesImport(target, block(all, 0, 3, KvType.F16, shorter), "bytes, expected");
    refusesImport(target, block(all, 0, 3, KvType.F32, data), "type F32, this cache is F16");
    refusesImport(target, block(all, 1, 4, KvType.F16, data), "from position 1, layer 0 holds 0");
    refusesImport(target, block(all, 0, 11, KvType.F16, data), "the capacity is 10");
    refusesImport(target, block(all, 3, 3, KvType.F16, data), "positions [3, 3)");
    refusesImport(
        target, block(LayerRange.of(3, 6), 0, 3, KvType.F16, data), "this stage has [0, 5)");
    refusesImport(
        target, new KvBlock(KvBlock.Kind.SNAPSHOT, all, 0, 3, KvType.F16, data), "SNAPSHOT");
    assertThat(target.length()).isZero();
    target.importKv(good);
    assertThat(target.length()).isEqualTo(3);
    refusesImport(target, good, "layer 0 holds 3");
  }

  @Test
  void refusesToGoOnWhileSomeLayersLackPositions() {
    KvBlock some = session.exportKv(LayerRange.of(0, 4), 0, 3);
    StageSession target = stage.open(8, 0, 10);
    target.importKv(some);
    assertThat(target.length()).isZero();
    refuses(() -> forward(8, 0, 0, Logits.LAST, 1), "import is not complete");
    target.importKv(session.exportKv(LayerRange.of(4, 5), 0, 3));
    assertThat(target.length()).isEqualTo(3);
    forward(8, 0, 3, Logits.LAST, 1);
  }

  @Test
  void refusesToExportWhatItDoesNotHold() {
    refuses(() -> session.exportKv(LayerRange.of(0, 5), 0, 4), "the session holds 3");
    refuses(() -> session.exportKv(LayerRange.of(4, 6), 0, 3), "this stage has [0, 5)");
    refuses(() -> session.exportKv(LayerRange.of(2, 2), 0, 3), "layers [2, 2)");
    refuses(() -> session.exportKv(LayerRange.of(0, 5), 2, 2), "positions [2, 2)");
  }

  @Test
  void aRefusedBatchChangesNoneOfItsSessions() {
    StageSession other = stage.open(8, 0, 50);
    float[] before = lastLogits(forward(3, 3, 30));
    session.truncate(3);
    List<Slice> slices =
        List.of(new Slice(7, 4, 3, 1, Logits.LAST), new Slice(8, 0, 9, 1, Logits.LAST));
    refuses(() -> Chain.forward(stage, Batch.ofTokens(slices, new int[] {30, 1})), "session 8");
    assertThat(session.length()).isEqualTo(3);
    assertThat(session.epoch()).isEqualTo(3);
    assertThat(other.length()).isZero();
    assertThat(lastLogits(forward(3, 3, 30))).isEqualTo(before);
  }

  @Test
  void refusesStagesOfNoLayersOrOfTooMany() {
    try (Compute compute = new Compute(KernelsLookup.kernels(), 1)) {
      refuses(
          () -> chain.model.stage(LayerRange.of(2, 2), compute, KvType.F16, 512), "layers [2, 2)");
      refuses(
          () -> chain.model.stage(LayerRange.of(2, 6), compute, KvType.F16, 512),
          "layers [2, 6), expected at least one of [0, 5)");
    }
  }

  @Test
  void givesLogitsOfTheRowsThatWereAskedFor() {
    stage.open(8, 0, 50);
    List<Slice> slices =
        List.of(new Slice(7, 3, 3, 2, Logits.NONE), new Slice(8, 0, 0, 3, Logits.ALL));
    StageOutput output = Chain.forward(stage, Batch.ofTokens(slices, new int[] {1, 2, 1, 2, 3}));
    assertThat(output.rows()).isEqualTo(3);
    assertThat(output.width()).isEqualTo(512);
    assertThat(forward(7, 3, 5, Logits.NONE, 4).rows()).isZero();
  }

  @Test
  void logitsThatAreNoNumbersAreAnErrorThatNamesTheSessionAndTheStageGoesOn(@TempDir Path folder)
      throws IOException {
    Path damaged = folder.resolve("damaged.gguf");
    byte[] bytes = Files.readAllBytes(Golden.resource("stories260K-F32.gguf"));
    try (GgufFile file = GgufFile.open(ModelSource.of(Golden.resource("stories260K-F32.gguf")))) {
      TensorInfo embedding = file.tensors().get("token_embd.weight");
      ByteBuffer.wrap(bytes)
          .order(ByteOrder.LITTLE_ENDIAN)
          .putFloat((int) embedding.offset() + 100 * 64 * 4, Float.NaN);
    }
    Files.write(damaged, bytes);
    try (Chain broken = chain(damaged, 2)) {
      broken.stages.get(0).open(1, 0, 10);
      List<Slice> slices = List.of(new Slice(1, 0, 0, 2, Logits.LAST));
      assertThatThrownBy(() -> broken.forward(slices, new int[] {1, 5}))
          .isInstanceOf(NonFiniteLogitsException.class)
          .hasMessageContaining("session 1")
          .hasMessageContaining("position 1");
      List<Slice> quiet = List.of(new Slice(1, 0, 0, 2, Logits.NONE));
      assertThat(broken.forward(quiet, new int[] {1, 5}).rows()).isZero();
    }
  }

  @Test
  void aClosedSessionOrStageSaysSo() {
    session.close();
    session.close();
    assertThat(session.allocatedBytes()).isZero();
    assertThatThrownBy(session::length).isInstanceOf(ClosedException.class);
    assertThatThrownBy(() -> forward(3, 3, 1)).hasMessageContaining("session 7 is not open");
    stage.open(7, 0, 10);
    stage.close();
    stage.close();
    assertThatThrownBy(() -> forward(0, 0, 1)).isInstanceOf(ClosedException.class);
    assertThatThrownBy(() -> stage.open(9, 0, 10)).isInstanceOf(ClosedException.class);
  }

  @Test
  void theCacheGrowsWithTheSessionAndIsFreedWithIt() {
    long page = 5 * 2 * 64 * 32 * 2L; // layers, keys and values, positions, elements, bytes
    assertThat(session.allocatedBytes()).isEqualTo(page);
    forward(3, 3, new int[62]);
    assertThat(session.allocatedBytes()).isEqualTo(2 * page);
    session.truncate(64);
    assertThat(session.allocatedBytes()).isEqualTo(page);
    session.truncate(0);
    assertThat(session.allocatedBytes()).isZero();
  }

  /** On scalar kernels: vectors are objects until the optimising compiler has seen them often. */
  @Test
  void decodingAllocatesNothingThatGrowsWithTheModel() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    try (Chain single = new Chain(MODEL, new ScalarKernels(), 1, CONTEXT, KvType.F16)) {
      Chain.Session warm = single.open(1);
      warm.feed(new int[100], 100);
      int[] token = {5};
      for (int i = 0; i < 20; i++) {
        warm.parts.forEach(part -> part.truncate(100));
        single.forward(List.of(new Slice(1, 0, 100, 1, Logits.LAST)), token);
      }
      long before = threads.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < 10; i++) {
        single.forward(List.of(new Slice(1, 0, 101 + i, 1, Logits.LAST)), token);
      }
      long perToken = (threads.getCurrentThreadAllocatedBytes() - before) / 10;
      assertThat(perToken).as("bytes per token").isLessThan(2048);
    }
  }

  @Test
  void randomBlocksNeverBreakASession() {
    Random random = new Random(1);
    for (int i = 0; i < 500; i++) {
      int from = random.nextInt(6) - 1;
      LayerRange layers = LayerRange.of(random.nextInt(3), 3 + random.nextInt(4));
      ByteBuffer data = ByteBuffer.allocate(random.nextInt(3) * 640);
      KvType type = KvType.values()[random.nextInt(3)];
      KvBlock block =
          new KvBlock(KvBlock.Kind.KV, layers, from, from + random.nextInt(5) - 1, type, data);
      try {
        session.importKv(block);
      } catch (InvalidRequestException expected) {
        assertThat(expected).hasMessageStartingWith("KV import");
      }
    }
    assertThat(session.length()).isBetween(3, 100);
  }

  private void refuses(ThrowingCallable call, String message) {
    int length = session.length();
    assertThatThrownBy(call)
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining(message);
    assertThat(session.length()).isEqualTo(length);
  }

  private void refusesImport(StageSession target, KvBlock block, String message) {
    refuses(() -> target.importKv(block), message);
  }

  private static KvBlock block(LayerRange layers, int from, int to, KvType type, ByteBuffer data) {
    return new KvBlock(KvBlock.Kind.KV, layers, from, to, type, data);
  }

  private StageOutput forward(int epoch, int start, int... tokens) {
    return forward(7, epoch, start, Logits.LAST, tokens);
  }

  private StageOutput forward(long id, int epoch, int start, Logits logits, int... tokens) {
    List<Slice> slices = List.of(new Slice(id, epoch, start, tokens.length, logits));
    return Chain.forward(stage, Batch.ofTokens(slices, tokens));
  }

  private static float[] lastLogits(StageOutput output) {
    return Arrays.copyOf(output.data(), output.width());
  }

  private static Chain chain(Path model, int threads, int... cuts) {
    return new Chain(model, KernelsLookup.kernels(), threads, CONTEXT, KvType.F16, cuts);
  }
}
