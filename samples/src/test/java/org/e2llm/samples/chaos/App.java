package org.e2llm.samples.chaos;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.Fleet;
import org.e2llm.plan.FleetCodec;
import org.e2llm.plan.Placement;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanCodec;
import org.e2llm.plan.ReplicaPlan;
import org.e2llm.plan.StagePlan;
import org.e2llm.samples.Until;

/** An app in a process of its own, as the test talks to it. */
final class App {
  /**
   * The cluster as the app sees it.
   *
   * @param stages addresses of the devices of the plan's replica, first stage first
   * @param sent bytes by address
   */
  record Status(
      boolean ready, int peers, String coordinator, List<String> stages, Map<String, Long> sent) {}

  /**
   * What plans are made of.
   *
   * @param bestAlone tokens per second of one session on the fastest single device, as forecast
   * @param together with the plan
   */
  record View(Plan plan, Fleet fleet, double bestAlone, double together) {
    /** Layers that the device hosts; 0 if it has none. */
    int layers(String device) {
      for (ReplicaPlan replica : plan.replicas()) {
        for (StagePlan stage : replica.stages()) {
          if (stage.device().equals(device)) {
            return stage.layers().size();
          }
        }
      }
      return 0;
    }

    DeviceProfile profile(String device) {
      return fleet.devices().stream()
          .filter(each -> each.id().equals(device))
          .findFirst()
          .orElseThrow();
    }

    /** Why the device has its place, or none. */
    String reason(String device) {
      return plan.placements().stream()
          .filter(each -> each.device().equals(device))
          .map(Placement::reason)
          .findFirst()
          .orElse("");
    }
  }

  /** How a model is opened. */
  enum Wish {
    /** Plans are wanted for many requests at a time. */
    THROUGHPUT,

    /** The device keeps the first layer and the last, and is too slow to do more. */
    KEEPS_ENDS,

    /** The KV cache is Q8_0. */
    SMALL_CACHE,

    /** The device is told how fast it is, and does not measure itself. */
    TOLD
  }

  /** What it says once its model is open. */
  record Opened(String id, String kernels) {}

  /**
   * How a generation ended.
   *
   * @param error simple name of the class; empty if it ended well
   */
  record Outcome(String error, String text, String message) {}

  private final Jvm process;
  private final Map<String, CompletableFuture<Outcome>> running = new ConcurrentHashMap<>();
  private final LinkedBlockingQueue<Status> statuses = new LinkedBlockingQueue<>();
  private final LinkedBlockingQueue<Optional<View>> views = new LinkedBlockingQueue<>();
  private final LinkedBlockingQueue<Opened> openings = new LinkedBlockingQueue<>();
  private final LinkedBlockingQueue<String> closings = new LinkedBlockingQueue<>();
  private int started;

  App(Jvm process) {
    this.process = process;
    Thread reader = new Thread(this::read, "caller " + process.pid());
    reader.setDaemon(true);
    reader.start();
  }

  private void read() {
    while (true) {
      String line = process.line(1, TimeUnit.SECONDS);
      if (line == null) {
        if (!process.isAlive()) {
          return;
        }
        continue;
      }
      String[] words = line.split(" ");
      switch (words[0]) {
        case "done" ->
            running.remove(words[1]).complete(new Outcome("", AppProgram.decoded(words[2]), ""));
        case "failed" ->
            running
                .remove(words[1])
                .complete(
                    new Outcome(
                        words[2], AppProgram.decoded(words[3]), AppProgram.decoded(words[4])));
        case "status" ->
            statuses.add(
                new Status(
                    Boolean.parseBoolean(words[1]),
                    Integer.parseInt(words[2]),
                    words[3],
                    List.of(words[4].split(",")),
                    sent(words[5])));
        case "view" -> views.add(words.length < 3 ? Optional.empty() : Optional.of(view(words)));
        case "open" -> openings.add(new Opened(words[1], words[2]));
        default -> closings.add(line);
      }
    }
  }

  Jvm process() {
    return process;
  }

  CompletableFuture<Outcome> generate(String prompt, long seed, int tokens) {
    String id = Integer.toString(started++);
    CompletableFuture<Outcome> outcome = new CompletableFuture<>();
    running.put(id, outcome);
    process.say("generate " + id + " " + seed + " " + tokens + " " + AppProgram.encoded(prompt));
    return outcome;
  }

  /** Opens a model, with some memory shared; waits until it is open. */
  Opened open(Path model, long share, Wish... wishes) {
    begin(model, share, wishes);
    return answer(openings, 60);
  }

  /**
   * The same with all of them at a time.
   *
   * @return what they said, in the same order
   */
  static List<Opened> openAll(List<App> apps, Path model, long share, Wish... wishes) {
    apps.forEach(app -> app.begin(model, share, wishes));
    return apps.stream().map(app -> app.answer(app.openings, 60)).toList();
  }

  private void begin(Path model, long share, Wish... wishes) {
    StringBuilder said = new StringBuilder("open " + model + " " + share);
    for (Wish wish : wishes) {
      said.append(' ').append(wish);
    }
    process.say(said.toString());
  }

  /** What its plans are made of; empty while no plan serves. */
  Optional<View> view() {
    views.clear();
    process.say("view");
    return answer(views, 20);
  }

  /**
   * Until it sees what is wanted.
   *
   * @param what for the message if it does not in time, which says what was seen instead
   */
  View awaitView(int seconds, String what, Predicate<View> wanted) {
    View[] seen = new View[1];
    try {
      Until.until(
          seconds,
          what,
          () -> {
            seen[0] = view().orElse(null);
            return seen[0] != null && wanted.test(seen[0]);
          });
    } catch (AssertionError e) {
      throw new AssertionError(e.getMessage() + "; seen last: " + seen[0], e);
    }
    return seen[0];
  }

  /** Closes the model of all of them. */
  static void closeAll(List<App> apps) {
    apps.forEach(app -> app.process.say("close"));
    apps.forEach(app -> app.answer(app.closings, 60));
  }

  void force(Plan plan) {
    process.say("force " + AppProgram.encoded(PlanCodec.toJson(plan)));
  }

  Status status() {
    statuses.clear();
    process.say("status");
    return answer(statuses, 20);
  }

  private <T> T answer(LinkedBlockingQueue<T> answers, int seconds) {
    try {
      T answer = answers.poll(seconds, TimeUnit.SECONDS);
      if (answer == null) {
        throw new AssertionError(
            "no answer of process "
                + process.pid()
                + " within "
                + seconds
                + " s, which "
                + (process.isAlive() ? "lives: " + process.threadDump() : "has ended")
                + "\n"
                + process.lastErrors());
      }
      return answer;
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static View view(String[] words) {
    return new View(
        PlanCodec.parse(AppProgram.decoded(words[1])),
        FleetCodec.parse(AppProgram.decoded(words[2])),
        Double.parseDouble(words[3]),
        Double.parseDouble(words[4]));
  }

  private static Map<String, Long> sent(String text) {
    Map<String, Long> sent = new HashMap<>();
    for (String peer : text.split(",")) {
      int equals = peer.lastIndexOf('=');
      if (equals > 0) {
        sent.put(peer.substring(0, equals), Long.parseLong(peer.substring(equals + 1)));
      }
    }
    return sent;
  }
}
