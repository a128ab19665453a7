package org.e2llm.transport;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.plan.Workload;
import org.e2llm.transport.cluster.View;
import org.jspecify.annotations.Nullable;

/** What requests the apps of a cluster expect. */
final class StatedWorkload {
  private StatedWorkload() {}

  /**
   * Of all apps that are there and state any: rates and numbers at a time add up, the largest
   * output limit counts, and lengths stand side by side. Null if nobody states any.
   */
  static @Nullable Workload of(View view) {
    List<Workload.Lengths> lengths = new ArrayList<>();
    double rate = 0;
    int concurrency = 0;
    int maxTokens = 0;
    for (PeerDetails details : PeerDetails.of(view)) {
      Workload stated = details.workload();
      if (stated != null) {
        lengths.addAll(stated.lengths());
        rate += stated.requestsPerSecond();
        concurrency = (int) Math.min(Integer.MAX_VALUE, (long) concurrency + stated.concurrency());
        maxTokens = Math.max(maxTokens, stated.maxTokens());
      }
    }
    return lengths.isEmpty() ? null : new Workload(lengths, rate, concurrency, maxTokens);
  }

  /** No more lengths than that, evenly from all. */
  static Workload sample(Workload all, int most) {
    List<Workload.Lengths> some = new ArrayList<>();
    int size = all.lengths().size();
    int count = Math.min(most, size);
    for (int i = 0; i < count; i++) {
      some.add(all.lengths().get((int) ((2L * i + 1) * size / (2L * count))));
    }
    return new Workload(some, all.requestsPerSecond(), all.concurrency(), all.maxTokens());
  }
}
