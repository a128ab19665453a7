package org.e2llm.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import org.e2llm.ServingStats;
import org.e2llm.cluster.ClusterStatus.Handoffs;
import org.e2llm.cluster.ClusterStatus.StageLoad;
import org.e2llm.cluster.ProtocolException;
import org.e2llm.model.Arithmetic;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.Batch;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.Nic;
import org.e2llm.plan.Placement;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanOrder;
import org.e2llm.plan.PlannedFor;
import org.e2llm.plan.ReplicaPlan;
import org.e2llm.plan.ServingPolicy;
import org.e2llm.plan.StagePlan;
import org.e2llm.plan.StepWork;
import org.e2llm.plan.WireFormats;
import org.e2llm.transport.net.ConnectionStats;
import org.e2llm.transport.wire.FieldWriter;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What devices tell each other of their stages. */
class StageReportsTest {
  private static final long SECOND = 1_000_000_000L;
  private static final LayerRange LAYERS = LayerRange.of(0, 2);
  private static final Plan PLAN =
      new Plan(
          PlanOrder.NONE,
          new PlannedFor("m", "", 4, KvType.F16, 64, Arithmetic.F32),
          "own",
          WireFormats.lossless(KvType.F16),
          ServingPolicy.ROLES,
          List.of(
              new ReplicaPlan(
                  Role.MIXED,
                  List.of(new StagePlan("a", LAYERS), new StagePlan("b", LayerRange.of(2, 4))),
                  64,
                  new ReplicaPlan.Expected(1, 1, 1, 1))),
          List.of(new Placement("a", true, "x"), new Placement("b", true, "x")));

  private final StageMeter meter = new StageMeter(LAYERS);
  private long sent;
  private long now = SECOND;
  private final StageReports.Here here =
      new StageReports.Here() {
        @Override
        public DeviceProfile profile() {
          return new DeviceProfile("a", "a", 1, 1, 1, 0, 1, true, Nic.GIGABIT_ETHERNET);
        }

        @Override
        public StageMeter meter(LayerRange layers) {
          return meter;
        }

        @Override
        public @Nullable ServingStats serving() {
          return new ServingStats(3, 1, 0, 0, 0);
        }

        @Override
        public Handoffs handoffs() {
          return new Handoffs(5, 1, 1 << 20, 1L << 40);
        }

        @Override
        public ConnectionStats connection(String peer) {
          return new ConnectionStats(0, 0, sent, 0, 0, 0, 0, 0, 0, 0);
        }
      };
  private final StageReports reports =
      new StageReports(
          "a",
          here,
          (device, layers, step) ->
              step.equals(new StepWork(0, 0, 2, 2000, 2))
                  ? 0.03125
                  : step.equals(new StepWork(100, 350.5, 1, 1000, 1)) ? 0.125 : 1);

  @Test
  void aSecondOfDecodingIsTold() {
    reports.tick(PLAN, now);
    for (int i = 0; i < 50; i++) {
      meter.count(batch(decoding(1), decoding(2)), 62_500_000);
    }
    sent = 100 * 8_000;
    now += SECOND;
    StageLoad told = told(reports.tick(PLAN, now));
    assertThat(told)
        .isEqualTo(new StageLoad(LAYERS, 100, 0.0625, 2, 3, 1, "b", 8_000, here.handoffs()));
    assertThat(reports.takeResiduals()).isEqualTo(new StageReports.Residuals(2, 0));
    assertThat(reports.takeResiduals()).isEqualTo(StageReports.Residuals.NONE);
  }

  @Test
  void stepsOfPromptsAreComparedToo() {
    reports.tick(PLAN, now);
    Batch.Slice chunk = new Batch.Slice(3, 0, 300, 100, Batch.Logits.NONE);
    Batch.Slice little = new Batch.Slice(3, 0, 400, 8, Batch.Logits.LAST);
    for (int i = 0; i < 4; i++) {
      meter.count(batch(chunk, decoding(1)), 250_000_000);
      meter.count(batch(little), 1_000_000_000);
    }
    now += SECOND;
    StageLoad told = told(reports.tick(PLAN, now));
    assertThat(told.tokensPerSecond()).isEqualTo(4 * 109);
    assertThat(told.stepSeconds()).as("of decoding alone").isZero();
    assertThat(reports.takeResiduals()).isEqualTo(new StageReports.Residuals(0, 2));
  }

  /** One token, the thousandth of its session. */
  private static Batch.Slice decoding(long session) {
    return new Batch.Slice(session, 0, 999, 1, Batch.Logits.LAST);
  }

  private static Batch batch(Batch.Slice... slices) {
    int rows = Arrays.stream(slices).mapToInt(Batch.Slice::length).sum();
    return Batch.ofTokens(List.of(slices), new int[rows]);
  }

  @Test
  void whoDoesNothingRepeatsItselfSeldom() {
    reports.tick(PLAN, now);
    int told = 0;
    for (int i = 0; i < 20; i++) {
      now += SECOND;
      told += reports.tick(PLAN, now) == null ? 0 : 1;
    }
    assertThat(told).isEqualTo(4);
  }

  @Test
  void whoComesLaterIsToldAtOnce() {
    assertThat(reports.current()).isNull();
    reports.tick(PLAN, now);
    meter.count(batch(decoding(1)), 1_000_000);
    now += SECOND;
    StageLoad told = told(reports.tick(PLAN, now));
    assertThat(told(reports.current())).isEqualTo(told);
  }

  @Test
  void whoHasNoStageSaysSo() {
    StageReports other = new StageReports("b", here, (device, layers, step) -> 1);
    told(reports.tick(PLAN, now), other);
    assertThat(other.of("a")).isNotNull();
    now += 6 * SECOND;
    told(reports.tick(null, now), other);
    assertThat(other.of("a")).isNull();
  }

  @Test
  void aMangledReportIsRefused() {
    byte[] bytes = new byte[40];
    assertThatThrownBy(() -> reports.received("x", ByteBuffer.wrap(bytes)))
        .isInstanceOf(ProtocolException.class);
  }

  private StageLoad told(@Nullable FieldWriter report) {
    StageReports other = new StageReports("z", here, (device, layers, step) -> 1);
    told(report, other);
    return other.of("a");
  }

  private static void told(@Nullable FieldWriter report, StageReports other) {
    assertThat(report).isNotNull();
    other.received("a", report.payload());
  }
}
