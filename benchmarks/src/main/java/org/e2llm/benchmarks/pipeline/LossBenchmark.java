package org.e2llm.benchmarks.pipeline;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.e2llm.E2llm;
import org.e2llm.Generation;
import org.e2llm.GenerationRequest;
import org.e2llm.plan.Plan;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * From {@code kill -9} of the second of two stages to the next token at the caller, whose process
 * has the first one and can hold the whole model. The generation has to end with the text of one
 * device.
 */
@Command(
    name = "LossBenchmark",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Kills a stage, and measures the time to the next token.")
public final class LossBenchmark implements Callable<Integer> {
  @Option(names = "--model", description = "A GGUF file or SHAPE:TYPE; default: ${DEFAULT-VALUE}.")
  private String model = "1.1b-llama:Q8_0";

  @Option(names = "--kills", description = "How many; default: ${DEFAULT-VALUE}.")
  private int kills = 20;

  @Option(names = "--after", description = "Tokens before the kill; default: ${DEFAULT-VALUE}.")
  private int after = 32;

  @Option(
      names = "--memory",
      description = "Bytes that a device offers; default: ${DEFAULT-VALUE}.")
  private long memory = 6L << 30;

  public static void main(String[] args) {
    System.exit(new CommandLine(new LossBenchmark()).execute(args));
  }

  @Override
  public Integer call() throws Exception {
    Setting setting = Setting.in(Setting.model(model), 128, 256, memory);
    double[] seconds = new double[kills];
    int port = OtherDevice.freePort();
    try (E2llm caller = setting.join("first", port, List.of())) {
      String expected = caller.generate(request()).await().text();
      for (int i = 0; i < kills; i++) {
        try (OtherDevice other = new OtherDevice(setting, "second", OtherDevice.freePort(), port)) {
          seconds[i] = lose(setting, caller, other, expected);
        }
        System.out.printf(Locale.ROOT, "%d: %.3f s%n", i + 1, seconds[i]);
      }
    }
    System.out.printf(
        Locale.ROOT,
        "%s: median %.3f s, worst %.3f s of %d%n",
        model,
        PipelineBenchmark.median(seconds),
        Arrays.stream(seconds).max().orElse(0),
        kills);
    return 0;
  }

  private double lose(Setting setting, E2llm caller, OtherDevice other, String expected)
      throws Exception {
    Setting.awaitPeer(caller, other.id());
    List<String> devices = List.of(caller.cluster().status().self(), other.id());
    Plan plan = setting.plan(caller, devices, caller.modelSpec().layerCount() / 2);
    caller.cluster().force(plan);
    Setting.awaitPlan(caller, plan);
    List<Long> times = Collections.synchronizedList(new ArrayList<>());
    CountDownLatch enough = new CountDownLatch(after);
    Generation generation =
        caller
            .generate(request())
            .onToken(
                token -> {
                  times.add(System.nanoTime());
                  enough.countDown();
                });
    if (!enough.await(2, TimeUnit.MINUTES)) {
      throw new TimeoutException("no " + after + " tokens within two minutes");
    }
    long start = System.nanoTime();
    other.kill();
    String text = generation.await().text();
    caller.cluster().force(null);
    if (!text.equals(expected)) {
      throw new IllegalStateException("the text after the loss differs: " + text);
    }
    return secondsToNext(start, times);
  }

  /** To the token after the longest gap: what was on its way when the stage died comes before. */
  private static double secondsToNext(long killed, List<Long> times) {
    long before = killed;
    long longest = 0;
    long next = killed;
    for (long time : times) {
      if (time > killed) {
        if (time - before > longest) {
          longest = time - before;
          next = time;
        }
        before = time;
      }
    }
    return (next - killed) / 1e9;
  }

  private GenerationRequest request() {
    return GenerationRequest.builder()
        .prompt("Once upon a time")
        .maxTokens(2 * after)
        .temperature(0)
        .build();
  }
}
