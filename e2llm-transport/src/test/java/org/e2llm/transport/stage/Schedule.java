package org.e2llm.transport.stage;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.e2llm.DeviceLostException;
import org.e2llm.E2llmException;
import org.e2llm.Generation;
import org.e2llm.WaitTimeoutException;

/**
 * A run in which things happen at random frames, all of it following from a seed: devices are
 * killed or freeze, connections end and come back, callers cancel.
 */
final class Schedule {
  private static final String[] DEVICES = {"a", "b", "c", "d"};

  /** Of the replica that computes prompts, where there is one. */
  private static final String[] PROMPT_DEVICES = {"p", "q"};

  private final Random random;
  private final boolean prompts;
  private final boolean endsStay;
  private final boolean keepsLayers;
  private final String name;
  private final List<String> happened = new ArrayList<>();

  private Schedule(int seed, boolean prompts) {
    this.random = new Random(seed);
    this.prompts = prompts;
    this.endsStay = !prompts && seed % 4 == 3;
    this.keepsLayers = seed % 3 != 0;
    this.name = "seed " + seed + (prompts ? " with prompts" : "");
  }

  /**
   * Runs one.
   *
   * @param prompts whether a second replica computes the prompts
   */
  static void run(int seed, boolean prompts) {
    new Schedule(seed, prompts).run();
  }

  private void run() {
    int stages = 1 + random.nextInt(4);
    try (MemoryPeers peers = new MemoryPeers("a", "b", "c", "d", "app", "p", "q");
        PromptPeers other = prompts ? prompts(peers) : null) {
      List<String> ring = new ArrayList<>(List.of(DEVICES).subList(0, stages));
      TreeMap<Long, Runnable> events = events(peers, ring);
      ConcurrentLinkedQueue<String> log = new ConcurrentLinkedQueue<>();
      peers.watcher =
          (number, from, to, type) -> {
            synchronized (events) {
              Runnable event = events.remove(number);
              if (event != null) {
                log.add("frame " + number);
                event.run();
              }
            }
          };
      peers.endsStay = endsStay;
      if (keepsLayers) {
        List<String> spares = new ArrayList<>(List.of(DEVICES));
        spares.removeAll(ring);
        peers.keepLayers(spares.toArray(new String[0]));
        peers.journalBytes = random.nextInt(3) * 2000L;
      }
      peers.serve(ring.toArray(new String[0]));
      List<Asked> all = new ArrayList<>();
      List<Generation> running = new ArrayList<>();
      int sessions = 1 + random.nextInt(8);
      for (int i = 0; i < sessions; i++) {
        Asked asked = Asked.any(random);
        all.add(asked);
        running.add(asked.on(peers.peer(random.nextBoolean() ? "app" : "d").callers));
      }
      List<Asked.Answer> alone = Asked.alone(all);
      for (int i = 0; i < sessions; i++) {
        try {
          running.get(i).await(Duration.ofSeconds(15));
        } catch (WaitTimeoutException e) {
          String what = name + ", session " + i + ", " + happened + " at " + log;
          throw new AssertionError(what + " hangs: " + peers.state() + written(peers));
        } catch (E2llmException e) {
          // It is the outcome.
        }
        Object outcome = Asked.outcome(running.get(i));
        if (outcome instanceof DeviceLostException lost && peers.nothingIsLeft()) {
          assertThat(alone.get(i).text()).as(name).startsWith(lost.textSoFar());
        } else {
          assertThat(outcome)
              .as("%s, session %s, %s at %s", name, i, happened, log)
              .isEqualTo(alone.get(i));
        }
      }
      synchronized (events) {
        events.clear();
      }
      for (MemoryPeer device : peers.all()) {
        device.thaw();
      }
      try {
        peers.settle();
      } catch (AssertionError e) {
        throw new AssertionError(name + ", " + happened + " at " + log + " " + peers.state(), e);
      }
    }
  }

  private PromptPeers prompts(MemoryPeers peers) {
    return random.nextBoolean()
        ? new PromptPeers(peers, PROMPT_DEVICES)
        : new PromptPeers(peers, PROMPT_DEVICES[0]);
  }

  private String victim() {
    return prompts && random.nextInt(3) > 0
        ? PROMPT_DEVICES[random.nextInt(2)]
        : DEVICES[random.nextInt(3)];
  }

  /** Everything there is to know, in a file of its own. */
  private String written(MemoryPeers peers) {
    Path file = Path.of("target", "hang-" + name.substring(5).replace(' ', '-') + ".txt");
    try {
      Files.writeString(file, peers.log + "\n" + Everything.of(peers));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return "; more in " + file;
  }

  /** By number of the frame before which each happens. The app and "d", who call, stay. */
  private TreeMap<Long, Runnable> events(MemoryPeers peers, List<String> ring) {
    TreeMap<Long, Runnable> events = new TreeMap<>();
    int count = 1 + random.nextInt(4);
    for (int i = 0; i < count; i++) {
      long frame = 1 + random.nextInt(random.nextBoolean() ? 40 : 400);
      String victim = victim();
      String other = random.nextBoolean() ? "app" : DEVICES[random.nextInt(4)];
      int millis = random.nextInt(20);
      switch (random.nextInt(6)) {
        case 0 -> add(events, frame, "kill " + victim, () -> peers.kill(victim));
        case 1 ->
            add(
                events,
                frame,
                "freeze " + victim,
                () -> {
                  peers.freeze(victim);
                  peers.giveUp(victim);
                });
        case 2 -> {
          if (!other.equals(victim)) {
            String what = "part " + victim + other + " for " + millis + " ms";
            add(events, frame, what, () -> peers.part(victim, other, millis));
          }
        }
        case 3 -> {
          String neighbour = prompts ? victim() : DEVICES[random.nextInt(3)];
          if (!neighbour.equals(victim)) {
            String what = "replace " + victim + neighbour;
            add(events, frame, what, () -> peers.replace(victim, neighbour));
          }
        }
        default -> {
          if (!other.equals(victim)) {
            add(
                events,
                frame,
                "flap " + victim + other,
                () -> {
                  peers.cut(victim, other);
                  peers.join(victim, other);
                });
          }
        }
      }
    }
    return events;
  }

  private void add(TreeMap<Long, Runnable> events, long frame, String what, Runnable event) {
    happened.add(what);
    events.put(frame, event);
  }
}
