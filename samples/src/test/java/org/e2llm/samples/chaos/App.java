package org.e2llm.samples.chaos;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanCodec;

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
  Opened open(Path model, long share) {
    process.say("open " + model + " " + share);
    return answer(openings, 60);
  }

  /** Closes the model. */
  void close() {
    process.say("close");
    answer(closings, 60);
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
