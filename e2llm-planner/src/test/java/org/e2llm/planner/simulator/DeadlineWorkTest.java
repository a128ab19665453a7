package org.e2llm.planner.simulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

/** How many jobs fit. */
class DeadlineWorkTest {
  @Test
  void whatFitsIsDone() {
    assertThat(most(new double[] {0, 1, 2}, new double[] {1, 2, 3}, new double[] {1, 1, 1}))
        .isEqualTo(3);
  }

  @Test
  void shortJobsGoFirstAndALongOneGetsWhatIsLeft() {
    assertThat(most(new double[] {0, 0, 0}, new double[] {4, 4, 4}, new double[] {1, 8, 1}))
        .isCloseTo(2.25, within(1e-9));
  }

  @Test
  void timeBeforeAJobComesIsLost() {
    assertThat(most(new double[] {0, 9}, new double[] {10, 10}, new double[] {1, 4}))
        .isCloseTo(1.25, within(1e-9));
  }

  /** Which set of whole jobs fits is seen by serving them in the order in which they are due. */
  @Property(tries = 500)
  void noSetOfJobsThatFitsIsLarger(@ForAll long seed) {
    Random random = new Random(seed);
    int n = 1 + random.nextInt(9);
    double[] from = random.doubles(n, 0, 10).sorted().toArray();
    double slack = 3 * random.nextDouble();
    double[] due = Arrays.stream(from).map(time -> time + slack).toArray();
    double[] work = random.doubles(n, 0, 3).toArray();
    int largest = 0;
    for (int set = 0; set < 1 << n; set++) {
      double now = 0;
      boolean fits = true;
      for (int i = 0; i < n; i++) {
        if ((set >> i & 1) == 1) {
          now = Math.max(now, from[i]) + work[i];
          fits &= now <= due[i];
        }
      }
      largest = fits ? Math.max(largest, Integer.bitCount(set)) : largest;
    }
    assertThat(most(from, due, work)).isBetween(largest - 1e-9, n + 1e-9);
  }

  private static double most(double[] from, double[] due, double[] work) {
    return DeadlineWork.mostInTime(from, due, work, 1);
  }
}
