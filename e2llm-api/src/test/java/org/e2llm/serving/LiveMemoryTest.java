package org.e2llm.serving;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.plan.Slo;
import org.junit.jupiter.api.Test;

/** How sessions share a KV cache for two that get as long as they may. */
class LiveMemoryTest {
  private static final int PROMPT = 10;
  private static final int MOST = 400;
  private static final int TOKENS = 2 * (PROMPT + MOST);
  private static final int LEARNED = 100;

  /** A tenth of a second a step. {@link VirtualHost} sees to it that nothing is cached beyond. */
  private static VirtualHost served(List<VirtualHost.Asked> requests) {
    HostLimits limits = new HostLimits(TOKENS, 1, PROMPT + MOST, 100, Slo.NONE);
    return VirtualHost.learning(requests, limits, (prompt, context, rows, cached, logits) -> 0.1)
        .run();
  }

  private static VirtualHost.Asked asked(double arrival, int output) {
    return new VirtualHost.Asked(arrival, PROMPT, output, MOST);
  }

  private static List<VirtualHost.Asked> at(double arrival, int output, int requests) {
    List<VirtualHost.Asked> asked = new ArrayList<>();
    for (int i = 0; i < requests; i++) {
      asked.add(asked(arrival, output));
    }
    return asked;
  }

  /** Answers of 20 tokens, one after the other; the next request is number {@link #LEARNED}. */
  private static List<VirtualHost.Asked> learned() {
    List<VirtualHost.Asked> requests = new ArrayList<>();
    for (int i = 0; i < LEARNED; i++) {
      requests.add(asked(3 * i, 20));
    }
    return requests;
  }

  @Test
  void asLongAsFewAnswersWereSeenEachHasAllItMayNeed() {
    VirtualHost host = served(at(0, 20, 4));
    assertThat(host.ttft(1)).isLessThan(0.3);
    assertThat(host.ttft(2)).as("when the first two have ended").isGreaterThan(2);
  }

  @Test
  void asManyRunAtOnceAsWillLikelyFit() {
    List<VirtualHost.Asked> requests = learned();
    requests.addAll(at(1000, 20, 6));
    VirtualHost host = served(requests);
    for (int i = LEARNED; i < requests.size(); i++) {
      assertThat(host.ttft(i)).isLessThan(1);
    }
  }

  @Test
  void whoIsYoungerPausesIfAnswersAreLongerThanTheyWere() {
    List<VirtualHost.Asked> requests = learned();
    requests.addAll(at(1000, MOST, 6));
    VirtualHost host = served(requests);
    double alone = 0.1 * MOST;
    assertThat(host.endToEnd(LEARNED)).as("the oldest").isLessThan(alone + 1);
    for (int i = LEARNED; i < requests.size(); i++) {
      assertThat(host.ttft(i)).as("time to first token of " + i).isLessThan(1);
      assertThat(host.endToEnd(i)).as("end of " + i).isBetween(alone - 1, 6 * alone + 1);
    }
    assertThat(host.endToEnd(requests.size() - 1)).isGreaterThan(2 * alone);
  }

  @Test
  void nobodyBeginsWhileSomebodyPauses() {
    List<VirtualHost.Asked> requests = learned();
    requests.addAll(at(1000, MOST, 8));
    requests.add(asked(1020, 5)); // the others are at their 200th token, or paused
    VirtualHost host = served(requests);
    int late = requests.size() - 1;
    assertThat(host.ttft(late)).isGreaterThan(20);
    assertThat(host.endToEnd(late)).as("it does not starve").isLessThan(8 * 0.1 * MOST);
  }
}
