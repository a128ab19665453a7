package org.e2llm.samples.chaos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.e2llm.E2llm;
import org.e2llm.cluster.Secret;
import org.e2llm.model.ModelSpec;
import org.e2llm.plan.Plan;
import org.e2llm.samples.Plans;
import org.e2llm.samples.Until;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * One, two, three and four devices with different kernels give the text of one device, for each
 * model there is. Every device is a process; one of them calls.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(value = 20, unit = TimeUnit.MINUTES)
class MixedDevicesTest {
  private static final List<String> KERNELS =
      List.of("vector256", "scalar", "vector512", "vector128");

  private static final String PROMPT =
      "Once upon a time, there was a little girl who went to the park with her mom and her red ball.";

  private static final int TOKENS = 40;
  private static final long SHARE = 1L << 30;
  private static final int CONTEXT = 512;

  private final List<App> apps = new ArrayList<>();
  private Loopback lan;

  @BeforeAll
  void start(@TempDir Path folder) throws IOException {
    lan = new Loopback(KERNELS.size());
    Path secret = Files.writeString(folder.resolve("secret"), Secret.generate().reveal());
    for (int i = 0; i < KERNELS.size(); i++) {
      List<String> arguments =
          new ArrayList<>(
              List.of(secret.toString(), folder.resolve("app" + i).toString(), address(i)));
      for (int other = 0; other < i; other++) {
        arguments.add(address(other));
      }
      apps.add(
          new App(
              new Jvm(
                  List.of(),
                  List.of(
                      "--add-modules",
                      "jdk.incubator.vector",
                      "--enable-native-access=ALL-UNNAMED",
                      "-XX:-TieredCompilation",
                      "-De2llm.kernels=" + KERNELS.get(i)),
                  folder.resolve("app" + i + ".err"),
                  AppProgram.class.getName(),
                  arguments)));
    }
  }

  @AfterAll
  void end() {
    apps.forEach(app -> app.process().close());
    lan.close();
  }

  private String address(int app) {
    return lan.places().get(app).address();
  }

  /** They measure themselves; before a plan is forced, each of them could do it alone. */
  @Test
  void theModelOfTheSamples() {
    check(
        ChaosCluster.MODEL, App.openAll(apps, ChaosCluster.MODEL, SHARE), this::oneDeviceIsEnough);
  }

  /**
   * One session is not made slower by peers. What devices measured while others began is measured
   * again, and the plan follows; but not for a tenth of a request's time, prompt included, and the
   * forecast is of the answer alone. So another device may do that part a little slower.
   */
  private void oneDeviceIsEnough() {
    apps.get(0)
        .awaitView(
            60,
            "a plan that knows all devices serves, of one about as fast as the fastest",
            seen ->
                seen.plan().placements().size() == apps.size()
                    && seen.bestAlone() > 0
                    && seen.together() * 1.5 >= seen.bestAlone()
                    && seen.plan().replicas().size() == 1
                    && seen.plan().replicas().get(0).stages().size() == 1);
  }

  @Test
  void allModelsWithGoldenValues() throws IOException {
    Path models = Path.of(System.getProperty("e2llm.shared", "../../shared")).resolve("models");
    assumeTrue(Files.isDirectory(models), "needs " + models);
    List<Path> files;
    try (Stream<Path> all = Files.list(models)) {
      files = all.filter(file -> file.toString().endsWith(".gguf")).sorted().toList();
    }
    assertThat(files).isNotEmpty();
    for (Path file : files) {
      Path model = file.toAbsolutePath().normalize();
      check(model, App.openAll(apps, model, SHARE, App.Wish.TOLD), () -> {});
    }
  }

  private void check(Path model, List<App.Opened> all, Runnable unforced) {
    long start = System.nanoTime();
    ModelSpec spec = E2llm.inspect(model).spec();
    List<String> expected = new ArrayList<>();
    try (E2llm alone = E2llm.builder().model(model).threads(1).open()) {
      for (int seed = 0; seed < 2; seed++) {
        expected.add(alone.generate(AppProgram.request(PROMPT, seed, TOKENS)).await().text());
      }
    }
    try {
      List<String> ids = new ArrayList<>();
      for (int i = 0; i < apps.size(); i++) {
        assertThat(all.get(i).kernels()).startsWith(KERNELS.get(i));
        ids.add(all.get(i).id());
      }
      unforced.run();
      int most = Math.min(apps.size(), spec.layerCount());
      for (int devices = 1; devices <= most; devices++) {
        sameOn(devices, ids, spec, expected);
      }
    } finally {
      App.closeAll(apps);
    }
    System.out.printf(
        "[mixed] %s, %.1f s%n", model.getFileName(), (System.nanoTime() - start) / 1e9);
  }

  /** The first device calls, and hosts the last stage where there are several. */
  private void sameOn(int devices, List<String> ids, ModelSpec spec, List<String> expected) {
    List<Integer> chain = new ArrayList<>();
    for (int i = devices - 1; i >= 0; i--) {
      chain.add(i);
    }
    apps.get(0).force(plan(spec, chain.stream().map(ids::get).toList()));
    List<String> addresses = chain.stream().map(this::address).toList();
    Until.until(
        60,
        "all devices serve a plan of " + addresses,
        () ->
            apps.stream()
                .map(App::status)
                .allMatch(status -> status.ready() && status.stages().equals(addresses)));
    List<Long> before = sent(chain);
    for (int seed = 0; seed < expected.size(); seed++) {
      App.Outcome outcome = apps.get(0).generate(PROMPT, seed, TOKENS).join();
      assertThat(outcome.error()).as("%s: %s", spec.name(), outcome.message()).isEmpty();
      assertThat(outcome.text())
          .as("%s on %d devices, seed %d", spec.name(), devices, seed)
          .isEqualTo(expected.get(seed));
    }
    // Hidden states of two prompts at least, 4 bytes each: the stages before have computed. What
    // the status says may be a moment old.
    long least = 2L * 20 * spec.embeddingLength() * 4;
    Until.until(
        10,
        spec.name() + ": " + least + " bytes from each stage to the next",
        () -> {
          List<Long> after = sent(chain);
          return IntStream.range(0, before.size())
              .allMatch(link -> after.get(link) - before.get(link) > least);
        });
  }

  /** Bytes from each stage to the next. */
  private List<Long> sent(List<Integer> chain) {
    List<Long> sent = new ArrayList<>();
    for (int i = 0; i + 1 < chain.size(); i++) {
      sent.add(apps.get(chain.get(i)).status().sent().get(address(chain.get(i + 1))));
    }
    return sent;
  }

  private static Plan plan(ModelSpec model, List<String> devices) {
    int[] cuts = new int[devices.size() - 1];
    for (int i = 0; i < cuts.length; i++) {
      cuts[i] = model.layerCount() * (i + 1) / devices.size();
    }
    return Plans.of(model.name(), model.layerCount(), CONTEXT, devices, cuts);
  }
}
