package org.e2llm.planner.cost;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.assertj.core.data.Percentage;
import org.e2llm.InvalidRequestException;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.Nic;
import org.e2llm.plan.WireFormats;
import org.e2llm.planner.catalog.KnownModels;
import org.junit.jupiter.api.Test;

/** What a device has measured is what is predicted for it, between the measured points too. */
class MeasuredCostModelTest {
  private static final PlannedModel MODEL =
      new PlannedModel(KnownModels.get("llama3-8b-q4"), KvType.F16);
  private static final CostModel ANALYTIC =
      new AnalyticCostModel(MODEL, WireFormats.lossless(KvType.F16));
  private static final DeviceProfile DEVICE =
      new DeviceProfile(
          "d", "d", 2e12, 1e12, 5e10, 2e-3, 8_000_000_000L, true, Nic.GIGABIT_ETHERNET);

  /** A device whose products, attention, cache reads and head follow one after the other. */
  private static double truth(
      LayerRange layers, int prompt, double context, int decode, long cached, int logits) {
    double l = layers.size();
    double products =
        Math.max(
            l * (prompt + decode) * 2 * MODEL.layerParameters() / 2e12,
            MODEL.layerBytes(layers.from(), layers.to()) / 5e10);
    double attention = l * prompt * context * 4 * MODEL.attentionWidth() / 1e12;
    double cache = l * cached * MODEL.kvBytesPerLayer() / 4e10;
    boolean head = layers.to() == MODEL.layerCount() && logits > 0;
    return 2e-3
        + products
        + attention
        + cache
        + (head ? MODEL.headBytes() / 5e10 + logits * 1e-4 : 0);
  }

  /** Its steps, timed with a noise of the given share. */
  private static List<StepSample> measure(double noise) {
    SplittableRandom random = new SplittableRandom(7);
    List<StepSample> samples = new ArrayList<>();
    for (LayerRange layers :
        List.of(LayerRange.of(0, 4), LayerRange.of(4, 16), LayerRange.of(26, 32))) {
      for (int rows : new int[] {1, 4, 16, 32, 64, 128, 256, 512}) {
        for (int context : new int[] {0, 500, 2000}) {
          double seconds = truth(layers, rows, context, 0, 0, 1);
          samples.add(
              new StepSample(layers, rows, context, 0, 0, 1, seconds * noisy(random, noise)));
        }
      }
      for (int rows : new int[] {1, 4, 16}) {
        for (long cached : new long[] {0, 1000, 10_000}) {
          double seconds = truth(layers, 0, 0, rows, cached, rows);
          samples.add(
              new StepSample(layers, 0, 0, rows, cached, rows, seconds * noisy(random, noise)));
        }
      }
    }
    return samples;
  }

  private static double noisy(SplittableRandom random, double noise) {
    return 1 + noise * (2 * random.nextDouble() - 1);
  }

  @Test
  void predictsWhatWasMeasured() {
    CostModel measured =
        new MeasuredCostModel(ANALYTIC, Map.of("d", StepFit.of(MODEL, measure(0))));
    Residuals residuals = new Residuals();
    for (StepSample sample : measure(0)) {
      double predicted =
          measured
              .stage(DEVICE, sample.layers())
              .seconds(
                  sample.promptTokens(),
                  sample.promptContext(),
                  sample.decodeRows(),
                  sample.cachedTokens(),
                  sample.logitRows());
      residuals.add(
          "d",
          Residuals.Step.of(sample.promptTokens(), sample.decodeRows()),
          predicted,
          sample.seconds());
    }
    for (Residuals.Report report : residuals.reports()) {
      assertThat(report.bias()).as(report.toString()).isCloseTo(1, within(0.02));
      assertThat(report.p50()).as(report.toString()).isLessThan(0.02);
    }
  }

  @Test
  void predictsStepsThatWereNotMeasuredInSpiteOfNoise() {
    CostModel measured =
        new MeasuredCostModel(ANALYTIC, Map.of("d", StepFit.of(MODEL, measure(0.1))));
    LayerRange layers = LayerRange.of(8, 20);
    StageCost stage = measured.stage(DEVICE, layers);
    assertThat(stage.prefillSeconds(384, 700, 0))
        .isCloseTo(truth(layers, 384, 700, 0, 0, 0), Percentage.withPercentage(10));
    assertThat(stage.decodeSeconds(8, 4000))
        .isCloseTo(truth(layers, 0, 0, 8, 4000, 8), Percentage.withPercentage(10));
    assertThat(stage.seconds(200, 300, 8, 4000, 8))
        .isCloseTo(truth(layers, 200, 300, 8, 4000, 8), Percentage.withPercentage(10));
  }

  @Test
  void moreWorkIsNeverFaster() {
    StageCost stage = StepFit.of(MODEL, measure(0.5)).stage(LayerRange.of(0, 32));
    double last = 0;
    for (int rows = 1; rows < 2000; rows++) {
      double seconds = stage.prefillSeconds(rows, 100, 1);
      assertThat(seconds).isGreaterThanOrEqualTo(last);
      last = seconds;
    }
  }

  @Test
  void devicesThatMeasuredNothingArePredictedByTheirProfile() {
    CostModel measured =
        new MeasuredCostModel(ANALYTIC, Map.of("other", StepFit.of(MODEL, measure(0))));
    LayerRange layers = LayerRange.of(0, 8);
    assertThat(measured.stage(DEVICE, layers).decodeSeconds(2, 100))
        .isEqualTo(ANALYTIC.stage(DEVICE, layers).decodeSeconds(2, 100));
  }

  @Test
  void nothingMeasuredIsNoFit() {
    assertThatThrownBy(() -> StepFit.of(MODEL, List.of()))
        .isInstanceOf(InvalidRequestException.class);
    assertThatThrownBy(() -> new StepSample(LayerRange.of(0, 1), 1, 0, 0, 0, 0, Double.NaN))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("NaN");
  }

  @Test
  void residualsSayHowFarPredictionsAreOff() {
    Residuals residuals = new Residuals();
    for (int i = 0; i < 90; i++) {
      residuals.add("a", Residuals.Step.DECODE, 1, 1.1);
    }
    for (int i = 0; i < 10; i++) {
      residuals.add("a", Residuals.Step.DECODE, 1, 2);
    }
    Residuals.Report report = residuals.reports().get(0);
    assertThat(report.count()).isEqualTo(100);
    assertThat(report.bias()).isCloseTo(1.19, within(1e-9));
    assertThat(report.p50()).isCloseTo(0.1, within(0.011));
    assertThat(report.p90()).isCloseTo(0.1, within(0.011));
    assertThat(report.worst()).isCloseTo(1, within(1e-9));
    assertThatThrownBy(() -> residuals.add("a", Residuals.Step.DECODE, 0, 1))
        .isInstanceOf(InvalidRequestException.class);
  }

  /** What bounds of goodput rest on, for reckoned and for measured costs. */
  @Property(tries = 300)
  void noStepIsBelowTheLinesThatAreGivenForIt(@ForAll long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    CostModel measured =
        new MeasuredCostModel(ANALYTIC, Map.of("d", StepFit.of(MODEL, measure(0.2))));
    int from = random.nextInt(32);
    LayerRange layers = LayerRange.of(from, from + 1 + random.nextInt(32 - from));
    int prompt = random.nextInt(1 << random.nextInt(13));
    double context = random.nextDouble() * 4000;
    int decode = random.nextInt(prompt == 0 ? 1 : 0, 64);
    long cached = decode == 0 ? 0 : random.nextInt(100_000);
    int logits = decode + random.nextInt(2);
    for (CostModel cost : List.of(ANALYTIC, measured)) {
      StageCost stage = cost.stage(DEVICE, layers);
      double seconds = stage.seconds(prompt, context, decode, cached, logits);
      for (StepFloor floor : stage.floors()) {
        double line =
            floor.fixed()
                + floor.prompt(prompt, prompt * context)
                + decode * floor.decodeRow()
                + cached * floor.cachedToken()
                + (logits > 0 ? floor.head() + logits * floor.logitRow() : 0);
        assertThat(line).isLessThanOrEqualTo(seconds * (1 + 1e-9));
      }
    }
  }
}
