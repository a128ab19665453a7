package org.e2llm.samples.chaos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.e2llm.E2llm;
import org.e2llm.cluster.Secret;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.LinkProfile;
import org.e2llm.samples.Until;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Devices that differ, as this machine can make them: one with a core of its own, one with a fifth
 * of a core, one with a fifteenth behind a slow link. They measure themselves and their links, and
 * plans follow from that.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class UnequalDevicesTest {
  private static final int FAST = 0;
  private static final int HALF = 1;
  private static final int CRAWLING = 2;
  private static final int LAYERS = 30;

  /** Two devices that offer this hold the model with the KV cache of its context, one does not. */
  private static final long TOO_LITTLE = 150L << 20;

  private static final long PLENTY = 400L << 20;

  private final Path model =
      Path.of(System.getProperty("e2llm.shared", "../../shared"))
          .resolve("models/SmolLM2-135M-Instruct-Q4_1.gguf")
          .toAbsolutePath()
          .normalize();

  private final List<CpuQuota> quotas = new ArrayList<>();
  private final List<App> apps = new ArrayList<>();
  private Namespaces lan;

  @BeforeAll
  void start(@TempDir Path folder) throws IOException {
    assumeTrue(Files.exists(model), "needs " + model);
    assumeTrue(Namespaces.available(), "needs root, network namespaces and tc");
    assumeTrue(CpuQuota.available(), "needs control groups that limit CPU time");
    Path secret = Files.writeString(folder.resolve("secret"), Secret.generate().reveal());
    lan = new Namespaces(3);
    lan.shape(CRAWLING, "2mbit");
    int[] percent = {100, 20, 7};
    for (int i = 0; i < percent.length; i++) {
      List<String> arguments =
          new ArrayList<>(
              List.of(secret.toString(), folder.resolve("app" + i).toString(), address(i)));
      for (int other = 0; other < i; other++) {
        arguments.add(address(other));
      }
      Jvm process =
          new Jvm(
              lan.places().get(i).prefix(),
              List.of(),
              folder.resolve("app" + i + ".err"),
              AppProgram.class.getName(),
              arguments);
      quotas.add(new CpuQuota(percent[i]));
      quotas.get(i).add(process);
      apps.add(new App(process));
    }
  }

  @AfterAll
  void end() {
    apps.forEach(app -> app.process().close());
    quotas.forEach(CpuQuota::close);
    if (lan != null) {
      lan.close();
    }
  }

  private String address(int app) {
    return lan.places().get(app).address();
  }

  @Test
  void layersFollowWhatWasMeasured() {
    List<String> ids = open(TOO_LITTLE, true);
    App.View view = await(ids);

    DeviceProfile fast = view.profile(ids.get(FAST));
    DeviceProfile half = view.profile(ids.get(HALF));
    assertThat(half.prefillFlops()).isLessThan(fast.prefillFlops() * 0.7);
    assertThat(view.layers(ids.get(FAST)) + view.layers(ids.get(HALF)))
        .as("%s", view)
        .isEqualTo(LAYERS);
    assertThat(view.layers(ids.get(FAST))).isGreaterThan(view.layers(ids.get(HALF)));
    assertThat(view.layers(ids.get(CRAWLING))).as("%s", view.plan()).isZero();
    assertThat(view.reason(ids.get(CRAWLING))).startsWith("Left out");
    assertThat(link(view, ids.get(FAST), ids.get(CRAWLING)).bytesPerSecond())
        .as("bytes per second over 2 Mbit/s")
        .isLessThan(1e6);

    String prompt = "The capital of France is";
    String expected;
    try (E2llm alone = E2llm.builder().model(model).threads(2).open()) {
      expected = alone.generate(AppProgram.request(prompt, 0, 12)).await().text();
    }
    assertThat(apps.get(CRAWLING).generate(prompt, 0, 12).join().text()).isEqualTo(expected);
    apps.forEach(App::close);
  }

  @Test
  void oneSessionIsNeverSlowerThanOnTheFastestDevice() {
    List<String> ids = open(PLENTY, false);
    App.View view = await(ids);

    assertThat(view.together()).isGreaterThanOrEqualTo(view.bestAlone());
    assertThat(view.layers(ids.get(FAST))).isEqualTo(LAYERS);
    for (int other : List.of(HALF, CRAWLING)) {
      assertThat(view.layers(ids.get(other))).isZero();
      assertThat(view.reason(ids.get(other))).startsWith("Left out");
    }
    apps.forEach(App::close);
  }

  /** All of them, one after the other: each measures itself while nothing else does. */
  private List<String> open(long share, boolean throughput) {
    List<String> ids = new ArrayList<>();
    for (App app : apps) {
      ids.add(app.open(model, share, throughput).id());
    }
    return ids;
  }

  /** A plan for all devices, once it serves. */
  private App.View await(List<String> ids) {
    List<App.View> views = new ArrayList<>();
    Until.until(
        90,
        "a plan that knows all devices serves, and the slow link is measured",
        () -> {
          Optional<App.View> view = apps.get(FAST).view();
          views.clear();
          view.filter(each -> each.plan().placements().size() == ids.size())
              .filter(each -> link(each, ids.get(FAST), ids.get(CRAWLING)) != null)
              .ifPresent(views::add);
          return !views.isEmpty();
        });
    return views.get(0);
  }

  private static LinkProfile link(App.View view, String one, String other) {
    return view.fleet().links().stream()
        .filter(each -> List.of(each.a(), each.b()).containsAll(List.of(one, other)))
        .findFirst()
        .orElse(null);
  }
}
