package org.e2llm.serving;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.e2llm.DeviceLostException;

/**
 * Whatever comes in whatever order: what hosts are asked for fits together, and nothing is lost.
 */
class RecoveryProperties {
  private static final List<String> HOSTS = List.of("a", "b", "c");
  private static final long PATIENCE = 5_000_000_000L;

  /** What follows from the effects: where each session runs, and what has to be stopped. */
  private static final class World {
    final Random random;
    final Recovery recovery = new Recovery(PATIENCE);
    final Map<Long, Recovery.Start> running = new HashMap<>();
    final Map<Long, Integer> epochs = new HashMap<>();
    final Set<Long> open = new HashSet<>();
    long now;
    long lastId;

    World(Random random) {
      this.random = random;
    }

    void event() {
      now += random.nextInt(400_000_000);
      Recovery.Start any =
          running.isEmpty()
              ? null
              : new ArrayList<>(running.values()).get(random.nextInt(running.size()));
      switch (random.nextInt(10)) {
        case 0, 1 -> {
          open.add(++lastId);
          recovery.add(lastId, random.nextBoolean() ? "b" : null, now);
        }
        case 2 -> recovery.hosts(HOSTS.subList(0, random.nextInt(4)), now);
        case 3 -> {
          String host = HOSTS.get(random.nextInt(3));
          running.values().removeIf(start -> start.host().equals(host));
          recovery.lost(host, now);
        }
        case 4 -> {
          if (any != null) {
            // Of the present run, or late and of an older one, which must not matter.
            int epoch = any.epoch() - random.nextInt(2);
            recovery.interrupted(any.session(), epoch, "broke off", now);
          }
        }
        case 5 -> {
          if (any != null) {
            recovery.progressed(any.session());
          }
        }
        case 6 -> {
          if (any != null) {
            open.remove(any.session());
            recovery.remove(any.session());
          }
        }
        case 7 -> {
          if (any != null) {
            if (random.nextBoolean()) {
              recovery.move(any.session(), HOSTS.get(random.nextInt(3)));
            } else {
              recovery.placeAgain(any.session());
            }
          }
        }
        case 8 -> {
          if (random.nextInt(4) == 0) {
            recovery.impossible(() -> new DeviceLostException("nothing is left"), now);
          }
        }
        default -> recovery.tick(now);
      }
      check();
    }

    void check() {
      for (Recovery.Effect effect : recovery.takeEffects()) {
        if (effect instanceof Recovery.Start start) {
          assertThat(open).contains(start.session());
          assertThat(running).as("two starts without a loss").doesNotContainKey(start.session());
          assertThat(start.epoch()).isGreaterThan(epochs.getOrDefault(start.session(), -1));
          epochs.put(start.session(), start.epoch());
          running.put(start.session(), start);
        } else if (effect instanceof Recovery.Stop stop) {
          Recovery.Start started = running.remove(stop.session());
          assertThat(started).as("a stop of what does not run").isNotNull();
          assertThat(started.host()).isEqualTo(stop.host());
          assertThat(started.epoch()).isEqualTo(stop.epoch());
        } else if (effect instanceof Recovery.Fail fail) {
          assertThat(open.remove(fail.session())).isTrue();
          assertThat(running).doesNotContainKey(fail.session());
          assertThat(fail.why()).isInstanceOf(DeviceLostException.class);
        }
      }
      for (long id = 1; id <= lastId; id++) {
        Recovery.Start start = running.get(id);
        assertThat(recovery.host(id)).isEqualTo(start == null ? null : start.host());
        if (start != null) {
          assertThat(recovery.accepts(id, start.epoch())).isTrue();
          assertThat(recovery.accepts(id, start.epoch() - 1)).isFalse();
        }
      }
      assertThat(recovery.suspended()).isEqualTo(open.size() - running.size());
    }
  }

  @Property(tries = 500)
  void whatIsStartedFitsTogether(@ForAll Random random) {
    World world = new World(random);
    for (int i = 0; i < 120; i++) {
      world.event();
    }
  }

  /** However long the trouble was: with a host again, every session that is open runs. */
  @Property(tries = 500)
  void noSessionIsLost(@ForAll Random random) {
    World world = new World(random);
    for (int i = 0; i < 60; i++) {
      world.event();
    }
    world.recovery.hosts(List.of("a"), world.now);
    world.check();
    assertThat(world.running.keySet()).isEqualTo(world.open);
    assertThat(world.recovery.nextTick()).isEqualTo(Recovery.NEVER);
  }

  /** A caller that goes to sleep until the time it is told misses nothing. */
  @Property(tries = 300)
  void thereIsAlwaysATickToWaitFor(@ForAll Random random) {
    World world = new World(random);
    for (int i = 0; i < 60; i++) {
      world.event();
    }
    world.recovery.hosts(List.of("a"), world.now);
    world.check();
    for (Recovery.Start start : List.copyOf(world.running.values())) {
      world.recovery.interrupted(start.session(), start.epoch(), "again", world.now);
    }
    world.check();
    while (world.recovery.suspended() > 0) {
      long next = world.recovery.nextTick();
      assertThat(next).isGreaterThan(world.now).isNotEqualTo(Recovery.NEVER);
      world.now = next;
      world.recovery.tick(next);
      world.check();
    }
    assertThat(world.running.keySet()).isEqualTo(world.open);
  }
}
