package org.e2llm.transport.discovery;

import static org.assertj.core.api.Assertions.assertThat;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;

class RetryScheduleProperties {
  @Property
  void pausesGrowToTheLimitAndNeverBeyond(
      @ForAll @LongRange(min = 1, max = 1L << 40) long first,
      @ForAll @LongRange(min = 0, max = 1L << 50) long more,
      @ForAll long seed,
      @ForAll @IntRange(min = 1, max = 100) int failures) {
    RetrySchedule schedule = new RetrySchedule(first, first + more, seed);
    long longest = first;
    for (int i = 0; i < failures; i++) {
      assertThat(schedule.failed()).isBetween(longest - longest / 2, longest);
      longest = Math.min(first + more, 2 * longest);
    }
  }

  @Property
  void successStartsItAnew(@ForAll long seed, @ForAll @IntRange(max = 50) int failures) {
    RetrySchedule schedule = new RetrySchedule(1000, 1_000_000, seed);
    for (int i = 0; i < failures; i++) {
      schedule.failed();
    }
    schedule.succeeded();
    assertThat(schedule.failed()).isBetween(500L, 1000L);
  }

  @Property
  void sameSeedSamePauses(@ForAll long seed) {
    RetrySchedule one = new RetrySchedule(1000, 1_000_000, seed);
    RetrySchedule other = new RetrySchedule(1000, 1_000_000, seed);
    for (int i = 0; i < 20; i++) {
      assertThat(one.failed()).isEqualTo(other.failed());
    }
  }
}
