package org.e2llm.samples.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.e2llm.samples.Apps.id;
import static org.e2llm.samples.Until.until;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.e2llm.E2llm;
import org.e2llm.GenerationRequest;
import org.e2llm.cluster.ClusterStatus;
import org.e2llm.cluster.Secret;
import org.e2llm.model.LayerRange;
import org.e2llm.plan.Placement;
import org.e2llm.plan.Plan;
import org.e2llm.plan.Slo;
import org.e2llm.plan.StagePlan;
import org.e2llm.samples.Apps;
import org.e2llm.samples.Until;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What an app wishes of plans is done, and what it can see of the cluster is measured. */
@Timeout(120)
class SteeringTest {
  private static final Path MODEL = Path.of("models/stories260K-F32.gguf");

  @TempDir Path folder;
  private final Secret secret = Secret.generate();
  private final List<E2llm> peers = new ArrayList<>();

  @AfterEach
  void close() {
    peers.forEach(E2llm::close);
  }

  @Test
  void anExcludedDeviceHostsNothingThoughItIsTheFastest() {
    E2llm fast = join(10, UnaryOperator.identity());
    join(1, builder -> builder.exclude(id(fast)));
    until(() -> place(fast, id(fast)).contains("Excluded"));
    assertThat(stages(fast)).extracting(StagePlan::device).containsExactly(id(peers.get(1)));
  }

  @Test
  void aPinCutsTheModelWhereTheAppWantsIt() {
    E2llm first = join(1, UnaryOperator.identity());
    join(1, builder -> builder.pin(id(first), LayerRange.of(2, 5)));
    until(() -> stages(first).size() == 2);
    assertThat(stages(first))
        .containsExactly(
            new StagePlan(id(peers.get(1)), LayerRange.of(0, 2)),
            new StagePlan(id(first), LayerRange.of(2, 5)));
  }

  @Test
  void aDeviceKeepsBothEndsAndOthersComputeWhatIsBetween() {
    E2llm fast = join(10, UnaryOperator.identity());
    E2llm other = join(5, UnaryOperator.identity());
    GenerationRequest request = request();
    String expected = fast.generate(request).await(Duration.ofSeconds(60)).text();
    E2llm keeps = join(0.01, builder -> builder.keepEnds(1, 1));
    until(() -> keeps.cluster().status().ready() && stages(keeps).size() > 2);
    List<StagePlan> stages = stages(keeps);
    assertThat(stages.get(0)).isEqualTo(new StagePlan(id(keeps), LayerRange.of(0, 1)));
    assertThat(stages.get(stages.size() - 1))
        .isEqualTo(new StagePlan(id(keeps), LayerRange.of(4, 5)));
    for (E2llm from : List.of(keeps, fast, other)) {
      assertThat(from.generate(request).await(Duration.ofSeconds(60)).text()).isEqualTo(expected);
    }
    until(() -> load(keeps, id(fast)) != null && load(keeps, id(fast)).tokensPerSecond() > 0);

    fast.cluster().share().pause();
    until(() -> keeps.cluster().status().ready() && !uses(keeps, id(fast)));
    assertThat(keeps.generate(request).await(Duration.ofSeconds(60)).text()).isEqualTo(expected);
    assertThat(stages(keeps).get(0).device()).isEqualTo(id(keeps));
    assertThat(stages(keeps).get(stages(keeps).size() - 1).device()).isEqualTo(id(keeps));
  }

  @Test
  void whatOneAppStatesIsKeptByAll() {
    E2llm host = join(1, UnaryOperator.identity());
    until(() -> serves(host, id(host)));
    E2llm states = join(0.1, builder -> builder.slo(new Slo(2, 0.5)));
    for (E2llm each : List.of(host, states)) {
      until(() -> each.cluster().status().ready() && keeps(each, new Slo(2, 0.5)));
    }
    assertThat(states.generate(request()).await(Duration.ofSeconds(60)).text()).isNotEmpty();
  }

  private static boolean keeps(E2llm peer, Slo slo) {
    Plan plan = peer.cluster().status().plan();
    return plan != null && plan.policy().slo().equals(slo);
  }

  @Test
  void aPausedDeviceIsOutAndComesBack() {
    E2llm fast = join(10, UnaryOperator.identity());
    E2llm slow = join(1, UnaryOperator.identity());
    until(() -> serves(slow, id(fast)));
    fast.cluster().share().pause();
    until(() -> serves(slow, id(slow)));
    fast.cluster().share().resume();
    until(() -> serves(slow, id(fast)));
  }

  @Test
  void linksForecastAndStagesAreMeasuredAndSeenByAll() {
    E2llm a = join(1, UnaryOperator.identity());
    E2llm b = join(1, builder -> builder.pin(id(a), LayerRange.of(0, 2)));
    until(() -> a.cluster().status().links().size() == 1 && stages(a).size() == 2);
    until(() -> a.cluster().status().ready() && b.cluster().status().ready());
    assertThat(a.cluster().status().links().get(0).bytesPerSecond()).isPositive();

    b.generate(request()).await(Duration.ofSeconds(60));
    until(() -> load(a, id(b)) != null && load(a, id(b)).stepSeconds() > 0);
    until(() -> load(b, id(a)) != null && load(b, id(a)).stepSeconds() > 0);
    for (String id : List.of(id(a), id(b))) {
      ClusterStatus.StageLoad load = load(a, id);
      assertThat(load.tokensPerSecond()).isPositive();
      assertThat(load.residual()).isPositive();
      assertThat(load.next()).isEqualTo(id.equals(id(a)) ? id(b) : id(a));
    }
    // Hidden states of 64 floats and the head of a frame and a batch; a second in which the link
    // was
    // probed counts the probe too.
    Until.until(
        60,
        "a token sends its hidden state, and little else",
        () -> {
          b.generate(request()).await(Duration.ofSeconds(60));
          double bytes = load(b, id(a)).bytesPerToken();
          return bytes >= 64 * 4 && bytes <= 64 * 4 + 400;
        });
    until(() -> a.cluster().status().forecast() != null);
    ClusterStatus.Forecast forecast = a.cluster().status().forecast();
    assertThat(forecast.alone()).isPositive();
    assertThat(forecast.together()).isPositive().isLessThan(forecast.bestAlone());
    assertThat(forecast.text()).contains("alone ", "with these ");
  }

  private static GenerationRequest request() {
    return GenerationRequest.builder()
        .prompt("Once upon a time")
        .maxTokens(200)
        .temperature(0)
        .build();
  }

  private E2llm join(double speed, UnaryOperator<E2llm.Builder> steer) {
    UnaryOperator<E2llm.Builder> shares = Apps.sharing(speed * 1e9, speed * 1e8, speed * 1e9);
    return Apps.join(peers, secret, folder, MODEL, builder -> steer.apply(shares.apply(builder)));
  }

  private static boolean serves(E2llm seenBy, String device) {
    return seenBy.cluster().status().ready()
        && stages(seenBy).size() == 1
        && stages(seenBy).get(0).device().equals(device);
  }

  private static List<StagePlan> stages(E2llm peer) {
    Plan plan = peer.cluster().status().plan();
    return plan == null ? List.of() : plan.replicas().get(0).stages();
  }

  private static boolean uses(E2llm seenBy, String device) {
    return stages(seenBy).stream().anyMatch(stage -> stage.device().equals(device));
  }

  private static String place(E2llm peer, String device) {
    Plan plan = peer.cluster().status().plan();
    return plan == null
        ? ""
        : plan.placements().stream()
            .filter(each -> each.device().equals(device))
            .map(Placement::reason)
            .findFirst()
            .orElse("");
  }

  private static ClusterStatus.StageLoad load(E2llm seenBy, String device) {
    return seenBy.cluster().status().peers().stream()
        .filter(each -> each.id().equals(device))
        .findFirst()
        .map(ClusterStatus.Peer::stage)
        .orElse(null);
  }
}
