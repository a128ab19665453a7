package org.e2llm.serving;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.plan.Slo;
import org.junit.jupiter.api.Test;

/** What a stated SLO does on one device, which knows of times only what its own steps take. */
class LiveSloTest {
  private static final double NO_LIMIT = Double.POSITIVE_INFINITY;

  /** A tenth of a second, a hundredth more for a prompt row and a fiftieth for a decoding one. */
  private static VirtualHost served(Slo slo, List<VirtualHost.Asked> requests) {
    HostLimits limits = new HostLimits(100_000, 1, 4096, 100, slo);
    return VirtualHost.learning(
            requests,
            limits,
            (prompt, context, rows, cached, logits) -> 0.1 + 0.01 * prompt + 0.02 * rows)
        .run();
  }

  /** Ten requests by themselves, from which it learns; the next is number 10, at 200 s or later. */
  private static List<VirtualHost.Asked> learned() {
    List<VirtualHost.Asked> requests = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      requests.add(new VirtualHost.Asked(20 * i, 50 * (i + 1), 5, 5));
    }
    return requests;
  }

  @Test
  void whoCannotBeInTimeLetsThoseGoFirstWhoCan() {
    List<VirtualHost.Asked> requests = learned();
    requests.add(new VirtualHost.Asked(200, 512, 2, 2)); // five seconds
    requests.add(new VirtualHost.Asked(200.1, 500, 2, 2)); // as long; would have to wait for it
    requests.add(new VirtualHost.Asked(203, 480, 2, 2));
    VirtualHost asTheyCame = served(Slo.NONE, requests);
    assertThat(asTheyCame.order()).endsWith(10, 11, 12);
    assertThat(asTheyCame.ttft(12)).isGreaterThan(7.5);
    VirtualHost inView = served(new Slo(7.5, NO_LIMIT), requests);
    assertThat(inView.order()).endsWith(10, 12, 11);
    assertThat(inView.ttft(12)).isLessThan(7.5);
    assertThat(inView.endToEnd(11)).as("late, and not forgotten").isLessThan(20);
  }

  @Test
  void promptsLeaveThoseThatDecodeTheirTimePerToken() {
    List<VirtualHost.Asked> requests = learned();
    requests.add(new VirtualHost.Asked(200, 50, 20, 20));
    requests.add(new VirtualHost.Asked(201, 500, 2, 2));
    assertThat(served(Slo.NONE, requests).tpot(10)).isGreaterThan(0.3);
    VirtualHost inView = served(new Slo(NO_LIMIT, 0.3), requests);
    assertThat(inView.tpot(10)).isLessThan(0.3);
    assertThat(inView.ttft(11)).isLessThan(20);
  }

  @Test
  void whatIsLearnedHoldsAtOnceAlsoForWhoDecodesAlready() {
    List<VirtualHost.Asked> requests = new ArrayList<>();
    requests.add(new VirtualHost.Asked(0, 50, 20, 20));
    requests.add(new VirtualHost.Asked(1.5, 500, 2, 2));
    assertThat(served(Slo.NONE, requests).tpot(0)).isGreaterThan(0.3);
    assertThat(served(new Slo(NO_LIMIT, 0.3), requests).tpot(0)).isLessThan(0.3);
  }

  @Test
  void noMoreDecodeTogetherThanHaveTheirTokensInTime() {
    List<VirtualHost.Asked> requests = learned();
    for (int i = 0; i < 12; i++) {
      requests.add(new VirtualHost.Asked(200 + 0.1 * i, 2, 50, 50));
    }
    VirtualHost all = served(Slo.NONE, requests);
    VirtualHost few = served(new Slo(NO_LIMIT, 0.2), requests);
    assertThat(all.tpot(15)).isGreaterThan(0.25);
    for (int i = 10; i < requests.size(); i++) {
      assertThat(few.tpot(i)).isLessThan(0.25);
    }
  }
}
