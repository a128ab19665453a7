package org.e2llm.samples.chaos;

import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** An app in a process of its own, as the test talks to it. */
final class Caller {
  /**
   * The cluster as the app sees it.
   *
   * @param stages addresses of the devices of the plan's replica, first stage first
   */
  record Status(boolean ready, int peers, String coordinator, List<String> stages) {}

  /**
   * How a generation ended.
   *
   * @param error simple name of the class; empty if it ended well
   */
  record Outcome(String error, String text, String message) {}

  private final Jvm process;
  private final Map<String, CompletableFuture<Outcome>> running = new ConcurrentHashMap<>();
  private final LinkedBlockingQueue<Status> statuses = new LinkedBlockingQueue<>();
  private int started;

  Caller(Jvm process) {
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
            running.remove(words[1]).complete(new Outcome("", CallerProgram.decoded(words[2]), ""));
        case "failed" ->
            running
                .remove(words[1])
                .complete(
                    new Outcome(
                        words[2],
                        CallerProgram.decoded(words[3]),
                        CallerProgram.decoded(words[4])));
        case "status" ->
            statuses.add(
                new Status(
                    Boolean.parseBoolean(words[1]),
                    Integer.parseInt(words[2]),
                    words[3],
                    List.of(words[4].split(","))));
        default -> {
          // "open": it is there.
        }
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
    process.say("generate " + id + " " + seed + " " + tokens + " " + CallerProgram.encoded(prompt));
    return outcome;
  }

  /** Null if it does not answer in time. */
  @Nullable Status status() {
    statuses.clear();
    process.say("status");
    try {
      return statuses.poll(5, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
