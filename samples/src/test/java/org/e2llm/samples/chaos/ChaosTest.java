package org.e2llm.samples.chaos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.api.parallel.ExecutionMode.CONCURRENT;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.e2llm.E2llm;
import org.e2llm.samples.Until;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ResourceLock;

/**
 * Whatever happens to devices, generations end with the text of one device alone. Two clusters at a
 * time: mostly, they wait until losses are noticed.
 *
 * <p>More runs, or one again: {@code ./mvnw -B -pl samples -am test -Dtest=ChaosTest
 * -Dsurefire.failIfNoSpecifiedTests=false -De2llm.chaos.runs=200 -De2llm.chaos.seed=1}.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(value = 3, unit = TimeUnit.HOURS) // as many runs as are asked for; each is bounded
class ChaosTest {
  private static final int RUNS = Integer.getInteger("e2llm.chaos.runs", 20);
  private static final long SEED = Long.getLong("e2llm.chaos.seed", 1);

  /** So that two sessions fit into what plans keep for one of the whole context. */
  private static final int TOKENS = 200;

  private static final String LOOPBACK = "the cluster on loopback";

  private static final List<String> PROMPTS =
      List.of(
          "Once upon a time",
          "One day, a little girl named Lily went to the park with her mom. She",
          "Tom had a red ball.",
          "The sun was hot and the dog was very sad because");

  private static final List<List<String>> EXPECTED = new ArrayList<>();

  private ChaosCluster onLoopback;

  /** Of each prompt, greedy and for a seed. */
  @BeforeAll
  static void alone() {
    try (E2llm llm = E2llm.builder().model(ChaosCluster.MODEL).threads(1).open()) {
      for (String prompt : PROMPTS) {
        List<String> texts = new ArrayList<>();
        for (int seed = 0; seed < 3; seed++) {
          texts.add(llm.generate(AppProgram.request(prompt, seed, TOKENS)).await().text());
        }
        EXPECTED.add(texts);
      }
    }
  }

  /** Started once for all tests that need no links, and whole before each of them. */
  @BeforeAll
  void start(@TempDir Path folder) {
    onLoopback = new ChaosCluster(new Loopback(6), folder);
    onLoopback.start();
  }

  @AfterAll
  void end() {
    onLoopback.close();
  }

  private void awaitRest() {
    onLoopback.awaitWhole();
    generateQuietly(onLoopback);
  }

  @Test
  @Execution(CONCURRENT)
  @ResourceLock(LOOPBACK)
  void processesThatDieFreezeAndLeave() {
    awaitRest();
    run(onLoopback);
  }

  @Test
  @Execution(CONCURRENT)
  void linksThatBreakAndNetworksThatSplit(@TempDir Path folder) {
    assumeTrue(Namespaces.available(), "network namespaces need root and Linux");
    try (ChaosCluster cluster = new ChaosCluster(new Namespaces(6), folder)) {
      cluster.start();
      generateQuietly(cluster);
      run(cluster);
    }
  }

  /** All sessions run at the device that keeps them, which others cannot take over. */
  @Test
  @Execution(CONCURRENT)
  void losesWhatIsBetweenTheEndsThatADeviceKeeps(@TempDir Path folder) {
    try (ChaosCluster cluster = new ChaosCluster(new Loopback(6), true, folder)) {
      cluster.start();
      generateQuietly(cluster);
      List<String> stages = cluster.callers().get(0).status().stages();
      assertThat(stages).hasSizeGreaterThan(2);
      assertThat(stages.get(0)).isEqualTo(stages.get(stages.size() - 1));
      run(cluster, (RUNS + 1) / 2);
    }
  }

  private static void run(ChaosCluster cluster) {
    run(cluster, RUNS);
  }

  private static void run(ChaosCluster cluster, int runs) {
    Leftovers leftovers = new Leftovers(cluster);
    for (int i = 0; i < runs; i++) {
      long seed = SEED + i;
      long start = System.nanoTime();
      String what = once(cluster, new SplittableRandom(seed));
      System.out.printf(
          "[chaos] %s, seed %d: %s, %.1f s%n",
          cluster.lan(), seed, what, (System.nanoTime() - start) / 1e9);
    }
    leftovers.check();
  }

  /** Every device computes something, and every connection that is made is made. */
  private static void generateQuietly(ChaosCluster cluster) {
    for (App caller : cluster.callers()) {
      App.Outcome outcome =
          outcome(cluster, caller.generate(PROMPTS.get(0), 0, TOKENS), "before all faults");
      assertThat(outcome.text()).as(outcome.message()).isEqualTo(EXPECTED.get(0).get(0));
    }
  }

  @Test
  @Execution(CONCURRENT)
  @ResourceLock(LOOPBACK)
  void theMemoryOfACallerThatIsKilledIsFree() {
    killAsker(() -> {});
  }

  /** Nobody is left who could say that the sessions go on elsewhere. */
  @Test
  @Execution(CONCURRENT)
  @ResourceLock(LOOPBACK)
  void theMemoryOfACallerThatIsKilledIsFreeWhereItsRingBreaksToo() {
    List<Integer> killed = new ArrayList<>();
    killAsker(
        () -> {
          List<String> stages = onLoopback.callers().get(0).status().stages();
          int host = 0;
          while (!stages.contains(onLoopback.address(host))) {
            host++;
          }
          killed.add(host);
          Until.pause(5000);
          Fault.KILL.begin(onLoopback, host);
          assertThat(onLoopback.process(host).ended(10, TimeUnit.SECONDS)).isTrue();
        });
    Fault.KILL.end(onLoopback, killed);
  }

  /**
   * While it has sessions; they are gone in time.
   *
   * @param then happens to others next
   */
  private void killAsker(Runnable then) {
    awaitRest();
    Leftovers leftovers = new Leftovers(onLoopback);
    App asker = onLoopback.callers().get(1);
    for (int i = 0; i < 4; i++) {
      asker.generate(PROMPTS.get(i), 0, 480);
    }
    Until.until(20, "a device has a session", () -> leftovers.sessions() > 0);
    long killed = System.nanoTime();
    asker.process().signal("KILL");
    assertThat(asker.process().ended(10, TimeUnit.SECONDS)).isTrue();
    then.run();
    int left = 20 - (int) TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - killed);
    Until.until(left, "no device has a session any more", () -> leftovers.sessions() == 0);
    onLoopback.restartAsker();
  }

  @Test
  @Execution(CONCURRENT)
  @ResourceLock(LOOPBACK)
  void whereTooLittleIsLeftTheErrorHasTheTextSoFar() {
    awaitRest();
    List<CompletableFuture<App.Outcome>> running = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      running.add(onLoopback.callers().get(i % 2).generate(PROMPTS.get(i), 0, TOKENS));
    }
    Until.pause(100);
    Fault.KILL.strike(onLoopback, List.of(0, 1, 2), new SplittableRandom(SEED));
    int failed = 0;
    for (int i = 0; i < 4; i++) {
      App.Outcome outcome = outcome(onLoopback, running.get(i), "three of five killed");
      String expected = EXPECTED.get(i).get(0);
      if (outcome.error().isEmpty()) {
        assertThat(outcome.text()).isEqualTo(expected);
      } else {
        failed++;
        assertThat(outcome.error()).isEqualTo("DeviceLostException");
        assertThat(outcome.message()).contains("Memory");
        assertThat(expected).startsWith(outcome.text());
      }
    }
    assertThat(failed).isPositive();
    Fault.KILL.mend(onLoopback, List.of(0, 1, 2));
    awaitRest();
  }

  private record Strike(Fault fault, List<Integer> victims) {
    @Override
    public String toString() {
      return fault + " of " + victims;
    }
  }

  private static String once(ChaosCluster cluster, SplittableRandom random) {
    List<Strike> strikes = strikes(cluster, random);
    String what = strikes.toString();
    List<CompletableFuture<App.Outcome>> running = new ArrayList<>();
    List<String> expected = new ArrayList<>();
    int count = 2 + random.nextInt(5);
    for (int i = 0; i < count; i++) {
      int prompt = random.nextInt(PROMPTS.size());
      int seed = random.nextInt(3);
      expected.add(EXPECTED.get(prompt).get(seed));
      running.add(cluster.callers().get(i % 2).generate(PROMPTS.get(prompt), seed, TOKENS));
    }
    for (Strike strike : strikes) {
      Until.pause(random.nextInt(500));
      strike.fault().strike(cluster, strike.victims(), random);
    }
    for (int i = 0; i < count; i++) {
      App.Outcome outcome = outcome(cluster, running.get(i), what);
      assertThat(outcome.error())
          .as("%s: %s%s", what, outcome.message(), cluster.story())
          .isEmpty();
      assertThat(outcome.text()).as(what).isEqualTo(expected.get(i));
    }
    for (Strike strike : strikes) {
      strike.fault().mend(cluster, strike.victims());
    }
    try {
      cluster.awaitWhole();
    } catch (AssertionError e) {
      fail(what + ": " + e.getMessage());
    }
    return what + " with " + count + " generations";
  }

  /** One that hits one or two peers, or two different ones; three of five devices are left. */
  private static List<Strike> strikes(ChaosCluster cluster, SplittableRandom random) {
    List<Fault> faults = new ArrayList<>(List.of(Fault.values()));
    faults.removeIf(fault -> fault.needsLinks() && !cluster.lan().hasLinks());
    Fault fault = faults.get(random.nextInt(faults.size()));
    List<Integer> victims = victims(cluster, random);
    List<Strike> strikes = new ArrayList<>(List.of(new Strike(fault, victims)));
    int other = random.nextInt(cluster.peerCount());
    Fault another = faults.get(random.nextInt(faults.size()));
    // Partitions share their rules, so there is one at a time.
    if (victims.size() == 1
        && !victims.contains(other)
        && random.nextInt(3) == 0
        && fault != Fault.PARTITION
        && another != Fault.PARTITION) {
      strikes.add(new Strike(another, List.of(other)));
    }
    return strikes;
  }

  /** A peer, the coordinator, one that computes, or two neighbours of the pipeline. */
  private static List<Integer> victims(ChaosCluster cluster, SplittableRandom random) {
    App.Status status = cluster.callers().get(0).status();
    List<Integer> stages = new ArrayList<>();
    int coordinator = -1;
    for (int peer = 0; peer < cluster.peerCount(); peer++) {
      if (status.stages().contains(cluster.address(peer))) {
        stages.add(peer);
      }
      if (status.coordinator().equals(cluster.address(peer))) {
        coordinator = peer;
      }
    }
    int kind = random.nextInt(4);
    if (kind == 0 && coordinator >= 0) {
      return List.of(coordinator);
    }
    if (kind == 1 && stages.size() >= 2) {
      stages.sort(
          (a, b) ->
              status.stages().indexOf(cluster.address(a))
                  - status.stages().indexOf(cluster.address(b)));
      int first = random.nextInt(stages.size() - 1);
      return List.of(stages.get(first), stages.get(first + 1));
    }
    if (kind == 2 && !stages.isEmpty()) {
      return List.of(stages.get(random.nextInt(stages.size())));
    }
    return List.of(random.nextInt(cluster.peerCount()));
  }

  private static App.Outcome outcome(
      ChaosCluster cluster, CompletableFuture<App.Outcome> running, String what) {
    try {
      return running.get(90, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      return fail(what + ": a generation did not end within 90 s" + cluster.story());
    } catch (ExecutionException | InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
