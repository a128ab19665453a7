package org.e2llm.planner.cost;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.List;
import org.assertj.core.data.Percentage;
import org.e2llm.InvalidRequestException;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelSpec;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.HiddenType;
import org.e2llm.plan.LinkProfile;
import org.e2llm.plan.Nic;
import org.e2llm.plan.WireFormats;
import org.e2llm.planner.catalog.KnownModels;
import org.junit.jupiter.api.Test;

/** The formulas give what a hand calculation gives. */
class AnalyticCostModelTest {
  /** h = 64, 8 heads of 8, 2 KV heads; p = 64·(64+64+32) + 3·64·128 = 34816. */
  private static final ModelSpec SPEC =
      new ModelSpec(
          "tiny",
          "llama",
          "F16",
          4,
          64,
          128,
          8,
          2,
          8,
          8,
          1000,
          512,
          4 * 34816 + 2 * 64000,
          List.of(70_000L, 70_000L, 70_000L, 80_000L),
          128_000,
          130_000,
          List.of());

  private static final PlannedModel MODEL = new PlannedModel(SPEC, KvType.F16);
  private static final CostModel COST =
      new AnalyticCostModel(MODEL, WireFormats.lossless(KvType.F16));
  private static final DeviceProfile DEVICE =
      new DeviceProfile("d", "d", 1e9, 0.5e9, 1e8, 0.001, 1_000_000, true, Nic.GIGABIT_ETHERNET);

  @Test
  void aPromptChunkIsBoundByItsOperations() {
    StageCost stage = COST.stage(DEVICE, LayerRange.of(0, 2));
    double expected = 0.001 + 2 * 100 * (2 * 34816 + 4.0 * 50 * 64) / 1e9;
    assertThat(stage.prefillSeconds(100, 50, 0)).isCloseTo(expected, within(1e-12));
  }

  @Test
  void aShortChunkIsBoundByTheWeights() {
    StageCost stage = COST.stage(DEVICE, LayerRange.of(0, 2));
    assertThat(stage.prefillSeconds(1, 0, 0)).isCloseTo(0.001 + 140_000 / 1e8, within(1e-12));
  }

  @Test
  void aDecodeStepReadsWeightsAndCache() {
    StageCost stage = COST.stage(DEVICE, LayerRange.of(0, 2));
    // kv = 2 · 2 · 8 elements · 2 bytes = 64 bytes per token and layer
    double expected = 0.001 + (140_000 + 2 * 64 * 1000) / 1e8;
    assertThat(stage.decodeSeconds(4, 1000)).isCloseTo(expected, within(1e-12));
  }

  @Test
  void aLargeDecodeBatchIsBoundByItsOperations() {
    StageCost stage = COST.stage(DEVICE, LayerRange.of(0, 2));
    double expected = 0.001 + 2 * 64 * 2.0 * 34816 / 0.5e9;
    assertThat(stage.decodeSeconds(64, 0)).isCloseTo(expected, within(1e-12));
  }

  @Test
  void theHeadIsWorkForTheLastStageOnly() {
    StageCost last = COST.stage(DEVICE, LayerRange.of(3, 4));
    assertThat(last.decodeSeconds(1, 0)).isCloseTo(0.001 + (80_000 + 130_000) / 1e8, within(1e-12));
    assertThat(last.prefillSeconds(1, 0, 0)).isCloseTo(0.001 + 80_000 / 1e8, within(1e-12));
  }

  @Test
  void memoryCountsEndsCacheJournalAndBuffers() {
    assertThat(MODEL.weightBytes(0, 1)).isEqualTo(70_000 + 128_000);
    assertThat(MODEL.weightBytes(1, 3)).isEqualTo(140_000);
    assertThat(MODEL.weightBytes(0, 4)).isEqualTo(290_000 + 128_000 + 130_000);
    assertThat(MODEL.bytesPerToken(0, 2)).isEqualTo(2 * 64);
    assertThat(MODEL.bytesPerToken(2, 4)).isEqualTo(2 * 64 + 4 * 64);
    long all = MODEL.memoryBytes(2, 4, 100);
    assertThat(all).isEqualTo(150_000 + 130_000 + MODEL.workBytes(4) + 100 * 384);
    assertThat(MODEL.tokensThatFit(2, 4, all)).isEqualTo(100);
    assertThat(MODEL.tokensThatFit(2, 4, 1000)).isNegative();
  }

  @Test
  void wireFormatsChangeBytes() {
    LinkProfile link = new LinkProfile("a", "b", 1e6, 0.01, null);
    assertThat(COST.hiddenSeconds(link, 10)).isCloseTo(0.01 + 10 * 256 / 1e6, within(1e-12));
    assertThat(COST.handoffBytes(4, 100)).isEqualTo(4 * 64 * 100);
    CostModel lossy = COST.withWire(new WireFormats(HiddenType.Q8_0, KvType.Q8_0));
    assertThat(lossy.hiddenBytes(1)).isEqualTo(68);
  }

  @Test
  void theKnownModelsAreAsLargeAsTheirFiles() {
    Percentage oneTenth = Percentage.withPercentage(0.3);
    PlannedModel llama = new PlannedModel(KnownModels.get("llama3-8b-q4"), KvType.F16);
    assertThat(llama.weightBytes(0, 32)).isCloseTo(4_920_000_000L, oneTenth);
    assertThat(llama.spec().parameterCount()).isCloseTo(8_030_000_000L, oneTenth);
    // The head of Llama-3-8B is work for 2.4 layers.
    assertThat((double) llama.headParameters() / llama.layerParameters())
        .isCloseTo(2.4, within(0.05));
    PlannedModel qwen = new PlannedModel(KnownModels.get("qwen25-32b-q4"), KvType.F16);
    assertThat(qwen.weightBytes(0, 64)).isCloseTo(19_850_000_000L, oneTenth);
  }

  @Test
  void stepsAreReckonedWithoutAllocation() {
    StageCost stage = COST.stage(DEVICE, LayerRange.of(0, 4));
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    double sum = steps(stage); // Loads what is loaded once.
    long before = threads.getCurrentThreadAllocatedBytes();
    sum += steps(stage);
    assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(1000);
    assertThat(sum).isPositive();
  }

  private static double steps(StageCost stage) {
    double sum = 0;
    for (int i = 0; i < 100_000; i++) {
      sum += stage.seconds(i & 511, 100, i & 31, i, i & 31);
    }
    return sum;
  }

  @Test
  void aModelWithoutShapeIsRefused() {
    ModelSpec unknown =
        new ModelSpec(
            "odd", "odd", "none", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, List.of(), 0, 0, List.of());
    assertThatThrownBy(() -> new PlannedModel(unknown, KvType.F16))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("block_count");
  }
}
