package org.e2llm.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import org.e2llm.ClosedException;
import org.e2llm.InvalidRequestException;
import org.e2llm.ModelInspection;
import org.e2llm.Progress;
import org.e2llm.WaitInterruptedException;
import org.e2llm.model.GgmlType;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelSource;
import org.e2llm.model.ModelSpec;
import org.e2llm.pipeline.Batch;
import org.e2llm.pipeline.Batch.Logits;
import org.e2llm.pipeline.Batch.Slice;
import org.e2llm.pipeline.Stage;
import org.e2llm.pipeline.StageOutput;
import org.e2llm.plan.DeviceSpeed;
import org.e2llm.spi.Engine;
import org.e2llm.spi.EngineOptions;
import org.e2llm.spi.EngineProvider;
import org.e2llm.testing.Shared;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The engine as the serving core meets it. */
class LocalEngineTest {
  private static final EngineOptions DEFAULTS = new EngineOptions(1, 0, KvType.F16, 0);

  private final EngineProvider provider =
      ServiceLoader.load(EngineProvider.class).iterator().next();

  @Test
  void isFoundAsAService() {
    assertThat(provider).isInstanceOf(KernelsEngineProvider.class);
  }

  @Test
  void describesTheModelItOpened() throws Exception {
    try (Engine engine = open("stories260K-Q8_0.gguf", DEFAULTS)) {
      ModelSpec spec = engine.modelSpec();
      assertThat(spec.name()).isEqualTo("stories260K");
      assertThat(spec.architecture()).isEqualTo("llama");
      assertThat(spec.quantization()).isEqualTo("Q8_0");
      assertThat(spec.parameterCount()).isEqualTo(260_032);
      assertThat(spec.layerBytes()).hasSize(5);
      assertThat(spec.endOfGeneration()).containsExactly(2);
      assertThat(spec.embeddingBytes()).isEqualTo(GgmlType.Q8_0.bytes(512 * 64));
      assertThat(spec.outputBytes()).isEqualTo(spec.embeddingBytes() + 64 * 4);
      assertThat(spec.kvBytesPerToken(KvType.F16, spec.layers())).isEqualTo(5 * 2 * 32 * 2);
      assertThat(engine.contextLength()).isEqualTo(512);
      assertThat(engine.kvType()).isEqualTo(KvType.F16);
      assertThat(engine.kernels().threads()).isEqualTo(1);
      assertThat(engine.tokenizer().vocabularySize()).isEqualTo(512);
      assertThat(engine.chatTemplate().name()).isEqualTo("none");
    }
  }

  @Test
  void computesOnTheStagesItMakesAndReportsTheLoading() throws Exception {
    List<Progress> progress = new ArrayList<>();
    Path path = resource("stories260K-F32.gguf");
    try (Engine engine = provider.open(ModelSource.of(path), DEFAULTS, progress::add)) {
      assertThat(progress).isEmpty();
      Stage stage = engine.stage(engine.modelSpec().layers());
      assertThat(progress).hasSize(2);
      assertThat(progress.get(1).done()).isEqualTo(progress.get(1).total()).isPositive();
      assertThat(stage.isFirst() && stage.isLast()).isTrue();
      assertThat(logits(stage, 1, 403).width()).isEqualTo(512);
    }
  }

  @Test
  void opensAModelInsideAChannelAndLeavesTheChannelOpen(@TempDir Path folder) throws Exception {
    byte[] model = Files.readAllBytes(resource("stories260K-F16.gguf"));
    byte[] asset = new byte[model.length + 1234];
    System.arraycopy(model, 0, asset, 1000, model.length);
    Path file = folder.resolve("asset");
    Files.write(file, asset);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      ModelSource source = ModelSource.of(channel, 1000, model.length);
      try (Engine engine = provider.open(source, DEFAULTS, p -> {})) {
        assertThat(logits(engine.stage(engine.modelSpec().layers()), 1).rows()).isEqualTo(1);
      }
      assertThat(channel.isOpen()).isTrue();
    }
  }

  @Test
  void closingClosesEveryStage() throws Exception {
    Engine engine = open("stories260K-F32.gguf", DEFAULTS);
    Stage first = engine.stage(LayerRange.of(0, 2));
    Stage second = engine.stage(LayerRange.of(2, 5));
    assertThat(second.isFirst()).isFalse();
    assertThat(second.isLast()).isTrue();
    engine.close();
    engine.close();
    assertThatThrownBy(() -> first.open(1, 0, 8)).isInstanceOf(ClosedException.class);
    assertThatThrownBy(() -> second.open(1, 0, 8)).isInstanceOf(ClosedException.class);
    assertThatThrownBy(() -> engine.stage(LayerRange.of(0, 5))).isInstanceOf(ClosedException.class);
  }

  @Test
  void measuresThisDeviceOnceAndKeepsItInTheFolder(@TempDir Path folder) throws Exception {
    try (Engine engine = open("stories260K-Q8_0.gguf", DEFAULTS)) {
      DeviceSpeed speed = engine.speed(folder);
      assertThat(speed.memoryBandwidth()).isPositive();
      assertThat(engine.speed(null)).isSameAs(speed);
    }
  }

  @Test
  void measuringEndsWhenTheThreadIsInterruptedOrTheEngineClosed() throws Exception {
    Engine engine = open("stories260K-Q8_0.gguf", DEFAULTS);
    try (engine) {
      Thread.currentThread().interrupt();
      assertThatThrownBy(() -> engine.speed(null)).isInstanceOf(WaitInterruptedException.class);
      assertThat(Thread.interrupted()).isTrue();
    }
    assertThatThrownBy(() -> engine.speed(null)).isInstanceOf(ClosedException.class);
  }

  @Test
  void refusesAKvTypeThatDoesNotFitTheHeads() {
    EngineOptions q8 = new EngineOptions(1, 0, KvType.Q8_0, 0);
    assertThatThrownBy(() -> open("stories260K-F32.gguf", q8))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("Q8_0")
        .hasMessageContaining("a head of this model has 8");
  }

  @Test
  void refusesOptionsOutOfRange() {
    assertThatThrownBy(() -> open("stories260K-F32.gguf", new EngineOptions(-1, 0, KvType.F16, 0)))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("threads is -1");
    assertThatThrownBy(() -> open("stories260K-F32.gguf", new EngineOptions(1, -5, KvType.F16, 0)))
        .hasMessageContaining("contextLength is -5");
    assertThatThrownBy(
            () -> open("stories260K-F32.gguf", new EngineOptions(1, 0, KvType.F16, 1 << 20)))
        .hasMessageContaining("batchRows is 1048576");
  }

  @Test
  void inspectsAModelByItsHeaderAlone() throws Exception {
    ModelInspection inspection =
        provider.inspect(ModelSource.of(resource("stories260K-Q4_0.gguf")));
    assertThat(inspection.computable()).isEmpty();
    assertThat(inspection.spec().quantization()).isEqualTo("Q4_0");
    assertThat(inspection.headerBytes()).isLessThan(inspection.fileBytes() / 10);
    assertThat(inspection.tokenizer()).isEqualTo("llama/default");
    assertThat(inspection.chatTemplate()).isEqualTo("none");
    assertThat(inspection.tensorTypes()).containsKeys(GgmlType.F32, GgmlType.F16, GgmlType.Q4_0);
    assertThat(inspection.memoryNeeded(512, KvType.F16)).isGreaterThan(inspection.weightBytes());
  }

  @Test
  void inspectsAVocabularyThatIsNoModel() throws Exception {
    Path vocabulary = Shared.require("data/vocab");
    try (var files = Files.list(vocabulary)) {
      Path file = files.filter(f -> f.toString().endsWith(".gguf")).sorted().findFirst().get();
      ModelInspection inspection = provider.inspect(ModelSource.of(file));
      assertThat(inspection.computable()).isNotEmpty();
      assertThat(inspection.spec().vocabularySize()).isPositive();
      assertThat(provider.tokenizer(ModelSource.of(file)).vocabularySize())
          .isEqualTo(inspection.spec().vocabularySize());
    }
  }

  private Engine open(String name, EngineOptions options) throws IOException {
    return provider.open(ModelSource.of(resource(name)), options, progress -> {});
  }

  private static StageOutput logits(Stage stage, int... tokens) {
    stage.open(1, 0, tokens.length);
    Slice slice = new Slice(1, 0, 0, tokens.length, Logits.LAST);
    return stage.forward(Batch.ofTokens(List.of(slice), tokens)).toCompletableFuture().join();
  }

  private static Path resource(String name) {
    try {
      return Path.of(LocalEngineTest.class.getResource("/golden/" + name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException(e);
    }
  }
}
