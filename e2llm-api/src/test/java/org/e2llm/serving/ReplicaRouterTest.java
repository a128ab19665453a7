package org.e2llm.serving;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.ServingPolicy;
import org.e2llm.serving.ReplicaRouter.HostLoad;
import org.e2llm.serving.SessionRouter.Phase;
import org.e2llm.serving.SessionRouter.Placed;
import org.e2llm.serving.SessionRouter.Request;
import org.junit.jupiter.api.Test;

/** Which replicas an app's sessions go to, by role, load and distance. */
class ReplicaRouterTest {
  private static final Request LONG = new Request(1000, 0, 100);
  private static final Role[] TWO_AND_TWO = {Role.PREFILL, Role.DECODE, Role.PREFILL, Role.DECODE};
  private static final List<String> HOSTS = List.of("p0", "d1", "p2", "d3");

  private static ReplicaRouter router(double handoffPerToken, Set<String> up, String... hosts) {
    return router(TWO_AND_TWO, handoffPerToken, up, Map.of(), List.of(hosts));
  }

  private static ReplicaRouter router(
      Role[] roles,
      double handoffPerToken,
      Set<String> up,
      Map<String, HostLoad> sessions,
      List<String> hosts) {
    double[] speeds = new double[roles.length];
    Arrays.fill(speeds, 1000);
    return new ReplicaRouter(
        ServingPolicy.ROLES,
        new TwoSpeeds(roles, speeds, 100_000, handoffPerToken),
        hosts,
        up::contains,
        host -> sessions.getOrDefault(host, HostLoad.NONE));
  }

  private static ReplicaRouter all(double handoffPerToken) {
    return router(handoffPerToken, Set.copyOf(HOSTS), HOSTS.toArray(new String[0]));
  }

  @Test
  void promptAndAnswerGoWhereTheirRolesAre() {
    ReplicaRouter router = all(1e-5);
    assertThat(router.host(LONG, List.of())).isEqualTo("d1");
    assertThat(router.promptHost("d1", LONG, List.of())).isEqualTo("p0");
    assertThat(router.promptHost("d3", LONG, List.of())).isEqualTo("p0");
  }

  @Test
  void sessionsSpread() {
    ReplicaRouter router = all(1e-5);
    List<Placed> others = List.of(new Placed("d1", "p0", LONG, Phase.PREFILLS));
    assertThat(router.host(LONG, others)).isEqualTo("d3");
    assertThat(router.promptHost("d3", LONG, others)).isEqualTo("p2");
    List<Placed> decoding = List.of(new Placed("d1", "p0", LONG, Phase.DECODES));
    assertThat(router.host(LONG, decoding)).isEqualTo("d3");
    assertThat(router.promptHost("d3", LONG, decoding)).as("its prompt is done").isEqualTo("p0");
  }

  @Test
  void sessionsOfOtherAppsCount() {
    ReplicaRouter router =
        router(
            TWO_AND_TWO,
            1e-5,
            Set.copyOf(HOSTS),
            Map.of("d1", new HostLoad(3, 1), "d3", new HostLoad(1, 0)),
            HOSTS);
    assertThat(router.host(LONG, List.of())).isEqualTo("d3");
  }

  @Test
  void aPromptStaysWhereMovingItTakesLongerThanComputingIt() {
    assertThat(all(0.9e-3).promptHost("d1", LONG, List.of())).isEqualTo("p0");
    assertThat(all(1.1e-3).promptHost("d1", LONG, List.of())).isNull();
    // All that is left of a conversation's next turn is the token that its host feeds.
    assertThat(all(1e-5).promptHost("d1", new Request(1, 0, 100), List.of())).isNull();
  }

  @Test
  void aConversationStaysWhereMostOfItIs() {
    assertThat(all(1e-5).promptHost("d1", new Request(1000, 900, 100), List.of())).isEqualTo("p0");
    assertThat(all(1e-5).promptHost("d1", new Request(1000, 1100, 100), List.of())).isNull();
  }

  @Test
  void promptsOfOtherAppsCount() {
    ReplicaRouter router =
        router(
            TWO_AND_TWO,
            1e-5,
            Set.copyOf(HOSTS),
            Map.of("p0", new HostLoad(2, 0), "p2", new HostLoad(0, 1)),
            HOSTS);
    assertThat(router.promptHost("d1", LONG, List.of())).isEqualTo("p2");
  }

  private static String better(HostLoad here, HostLoad there, Placed... others) {
    Role[] roles = {Role.MIXED, Role.MIXED};
    List<String> hosts = List.of("here", "there");
    return router(roles, 1e-5, Set.copyOf(hosts), Map.of("here", here, "there", there), hosts)
        .betterHost("here", LONG, List.of(others));
  }

  @Test
  void whoWaitsGoesWhereItWouldBegin() {
    assertThat(better(new HostLoad(1, 2), HostLoad.NONE)).isEqualTo("there");
    assertThat(better(new HostLoad(0, 1), HostLoad.NONE)).as("nobody else is here").isNull();
    assertThat(better(new HostLoad(2, 1), new HostLoad(2, 0))).as("just as many there").isNull();
    assertThat(better(new HostLoad(1, 5), new HostLoad(1, 1))).as("others wait there").isNull();
    Placed sent = new Placed("there", null, LONG, Phase.WAITS);
    assertThat(better(new HostLoad(1, 5), HostLoad.NONE, sent)).as("one was just sent").isNull();
    Placed begun = new Placed("there", null, LONG, Phase.PREFILLS);
    assertThat(better(new HostLoad(1, 5), HostLoad.NONE, begun)).isEqualTo("there");
  }

  /** Two that do the same would rather share the work than hand it on. */
  @Test
  void rolesSpillWhereThePolicySaysSo() {
    Role[] roles = {Role.PREFILL, Role.DECODE};
    List<String> hosts = List.of("p", "d");
    ReplicaRouter router =
        new ReplicaRouter(
            new ServingPolicy(ServingPolicy.RouterKind.ECT, false, true, true, false, 512),
            new TwoSpeeds(roles, new double[] {1000, 1000}, 100_000, 1e-5),
            hosts,
            host -> true,
            host -> HostLoad.NONE);
    List<Placed> others = new ArrayList<>();
    Set<String> used = new HashSet<>();
    for (int i = 0; i < 12; i++) {
      String host = router.host(LONG, others);
      String promptHost = router.promptHost(host, LONG, others);
      used.add(host + " " + promptHost);
      others.add(new Placed(host, promptHost, LONG, Phase.DECODES));
    }
    assertThat(used)
        .as("prompt and answer at either")
        .containsExactlyInAnyOrder("p null", "d null");
  }

  @Test
  void whereAllThatDecodeAreLostOneThatComputesPromptsDoesBoth() {
    ReplicaRouter router = router(1e-5, Set.of("p0", "p2"), HOSTS.toArray(new String[0]));
    String host = router.host(LONG, List.of());
    assertThat(host).isIn("p0", "p2");
    assertThat(router.promptHost(host, LONG, List.of())).isNull();
  }

  @Test
  void whereAllThatComputePromptsAreLostThoseThatDecodeDoBoth() {
    ReplicaRouter router = router(1e-5, Set.of("d1", "d3"), HOSTS.toArray(new String[0]));
    String host = router.host(LONG, List.of());
    assertThat(host).isIn("d1", "d3");
    assertThat(router.promptHost(host, LONG, List.of())).isNull();
  }

  @Property(tries = 500)
  void aChoiceIsAlwaysThereAndOfItsRole(@ForAll Random random) {
    int n = 1 + random.nextInt(5);
    Role[] roles = new Role[n];
    List<String> hosts = new ArrayList<>();
    Set<String> up = new HashSet<>();
    boolean decoder = false;
    for (int r = 0; r < n; r++) {
      roles[r] = Role.values()[random.nextInt(3)];
      hosts.add("h" + r);
      if (random.nextInt(3) > 0) {
        up.add("h" + r);
        decoder |= roles[r] != Role.PREFILL;
      }
    }
    List<Placed> others = new ArrayList<>();
    for (int i = random.nextInt(6); i > 0; i--) {
      String host = hosts.get(random.nextInt(n));
      String promptHost = random.nextBoolean() ? null : hosts.get(random.nextInt(n));
      Request request =
          new Request(1 + random.nextInt(2000), random.nextInt(900), 1 + random.nextInt(500));
      others.add(new Placed(host, promptHost, request, Phase.values()[random.nextInt(3)]));
    }
    ReplicaRouter router = router(roles, random.nextDouble() * 1e-3, up, Map.of(), hosts);
    Request request =
        new Request(1 + random.nextInt(2000), random.nextInt(900), 1 + random.nextInt(500));
    String host = router.host(request, others);
    if (up.isEmpty()) {
      assertThat(host).isNull();
      return;
    }
    assertThat(up).contains(host);
    boolean prefills = up.stream().anyMatch(h -> roles[hosts.indexOf(h)] != Role.DECODE);
    if (decoder && prefills) {
      assertThat(roles[hosts.indexOf(host)]).isNotEqualTo(Role.PREFILL);
    }
    for (String placed : up) {
      String promptHost = router.promptHost(placed, request, others);
      if (promptHost != null) {
        assertThat(up).contains(promptHost).isNotEqualTo(Set.of(placed));
        assertThat(promptHost).isNotEqualTo(placed);
        assertThat(roles[hosts.indexOf(promptHost)]).isNotEqualTo(Role.DECODE);
      }
    }
  }
}
