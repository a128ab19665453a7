package org.e2llm.planner.simulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

class EventQueueTest {
  private record Event(double time, long id) {}

  @Property(tries = 200)
  void eventsComeByTimeAndThenInTheOrderTheyWereScheduled(@ForAll long seed) {
    Random random = new Random(seed);
    EventQueue queue = new EventQueue();
    List<Event> expected = new ArrayList<>();
    long id = 0;
    for (int round = 0; round < 500; round++) {
      if (random.nextInt(5) < 3 || expected.isEmpty()) {
        double time = random.nextInt(20);
        queue.add(time, ++id);
        expected.add(new Event(time, id));
      } else {
        expected.sort(Comparator.comparingDouble(Event::time).thenComparingLong(Event::id));
        Event next = expected.remove(0);
        assertThat(queue.nextTime()).isEqualTo(next.time());
        assertThat(queue.poll()).isEqualTo(next.id());
      }
    }
    assertThat(queue.isEmpty()).isEqualTo(expected.isEmpty());
  }
}
