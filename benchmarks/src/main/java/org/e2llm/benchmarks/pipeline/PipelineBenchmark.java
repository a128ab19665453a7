package org.e2llm.benchmarks.pipeline;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.e2llm.E2llm;
import org.e2llm.cluster.ClusterStatus;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelSpec;
import org.e2llm.plan.Plan;
import org.e2llm.samples.bench.Generations;
import org.e2llm.samples.bench.Test;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Two stages as two processes with one thread each, of which this one is the first and the caller,
 * beside the same model in this process with one thread. Both sides take turns, run by run.
 */
@Command(
    name = "PipelineBenchmark",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Lays a pipeline of two processes beside one process.")
public final class PipelineBenchmark implements Callable<Integer> {
  @Option(names = "--model", description = "A GGUF file or SHAPE:TYPE; default: ${DEFAULT-VALUE}.")
  private String model = "1.1b-llama:Q8_0";

  @Option(names = "--pp", split = ",", description = "Prompt lengths; default: 512,2048.")
  private List<Integer> prompts = List.of(512, 2048);

  @Option(
      names = "--batches",
      split = ",",
      description = "Rows of a forward pass in prefill, each tried; default: 64,128,256,512.")
  private List<Integer> batches = List.of(64, 128, 256, 512);

  @Option(
      names = "--sessions",
      split = ",",
      description = "Sessions that decode at a time; default: 1,4,8,32.")
  private List<Integer> sessions = List.of(1, 4, 8, 32);

  @Option(names = "--tg", description = "Tokens of a session; default: ${DEFAULT-VALUE}.")
  private int generated = 64;

  @Option(names = "--repeat", description = "Runs of each side; default: ${DEFAULT-VALUE}.")
  private int repeat = 5;

  @Option(
      names = "--memory",
      description = "Bytes that a device offers; default: ${DEFAULT-VALUE}.")
  private long memory = 6L << 30;

  private final Map<Integer, Double> aloneDecode = new TreeMap<>();

  public static void main(String[] args) {
    System.exit(new CommandLine(new PipelineBenchmark()).execute(args));
  }

  @Override
  public Integer call() throws Exception {
    Path file = Setting.model(model);
    System.out.println("| test | plan | one process t/s | two stages t/s | ratio | |");
    System.out.println("|---|---|---|---|---|---|");
    Map<Integer, double[]> best = new LinkedHashMap<>();
    for (int batch : batches) {
      Setting setting = Setting.in(file, batch, context(), memory);
      measure(
          setting,
          LayerCut.EVEN,
          pair -> {
            for (int prompt : prompts) {
              double[] speeds = pair.compare(new Test(Test.Kind.PP, prompt), 1, repeat);
              double[] known = best.computeIfAbsent(prompt, length -> new double[4]);
              keepBetter(known, speeds, batch);
              print("pp" + prompt + " batch " + batch, pair, speeds, "");
            }
          });
    }
    best.forEach(PipelineBenchmark::printBest);
    measure(
        Setting.in(file, 512, context(), memory),
        LayerCut.BY_BYTES,
        pair -> {
          for (int count : sessions) {
            double[] speeds = pair.compare(new Test(Test.Kind.TG, generated), count, repeat);
            aloneDecode.put(count, speeds[0]);
            print("tg" + generated + ", " + count + " sessions", pair, speeds, decodeNote(count));
            if (count == 1) {
              pair.printTraffic(generated);
            }
          }
        });
    return 0;
  }

  private int context() {
    return Math.max(prompts.stream().mapToInt(n -> n).max().orElse(0), generated) + 16;
  }

  private interface Measured {
    void run(Pair pair) throws Exception;
  }

  private void measure(Setting setting, LayerCut cut, Measured measured) throws Exception {
    try (Pair pair = new Pair(setting, cut)) {
      measured.run(pair);
    }
  }

  /** Speeds and batches of either side's best: alone, its batch, two stages, their batch. */
  private static void keepBetter(double[] known, double[] speeds, int batch) {
    for (int side = 0; side < 2; side++) {
      if (speeds[side] > known[2 * side]) {
        known[2 * side] = speeds[side];
        known[2 * side + 1] = batch;
      }
    }
  }

  private static void print(String test, Pair pair, double[] speeds, String note) {
    System.out.printf(
        Locale.ROOT,
        "| %s | %s | %.1f | %.1f | %.2f | %s |%n",
        test,
        pair.layers(),
        speeds[0],
        speeds[1],
        speeds[1] / speeds[0],
        note);
  }

  private static void printBest(int prompt, double[] best) {
    double chunks = Math.ceil(prompt / best[3]);
    double ideal = 2 * chunks / (chunks + 1);
    double ratio = best[2] / best[0];
    System.out.printf(
        Locale.ROOT,
        "| pp%d, each side's best batch (%.0f, %.0f) | | %.1f | %.1f | %.2f | %.2f x 2n/(n+1), n = %.0f |%n",
        prompt,
        best[1],
        best[3],
        best[0],
        best[2],
        ratio,
        ratio / ideal,
        chunks);
  }

  /** What two batches of half the sessions could give, if stages never waited. */
  private String decodeNote(int count) {
    Double half = aloneDecode.get(count / 2);
    return half == null || count < 2
        ? ""
        : String.format(
            Locale.ROOT,
            "one process from %d to %d sessions: x %.2f",
            count / 2,
            count,
            aloneDecode.get(count) / half);
  }

  /** Where the second stage begins. */
  private enum LayerCut {
    /** As many layers on both sides: what prefill needs. */
    EVEN,
    /** As many bytes on both sides, the head's among them: what decode needs. */
    BY_BYTES;

    int of(ModelSpec spec) {
      int layers = spec.layerCount();
      if (this == EVEN) {
        return layers / 2;
      }
      int cut = 1;
      long embedding = spec.embeddingBytes(); // of which a token reads one row
      while (cut < layers - 1
          && spec.weightBytes(LayerRange.of(0, cut)) - embedding
              < spec.weightBytes(LayerRange.of(cut, layers))) {
        cut++;
      }
      return cut;
    }
  }

  /** One process, and two stages of which it has the first. */
  private static final class Pair implements AutoCloseable {
    /** What the status says of bytes may be so old. */
    private static final long COUNTERS_MILLIS = 1500;

    private final E2llm alone;
    private final E2llm caller;
    private final OtherDevice other;
    private final Plan plan;
    private final String layers;

    Pair(Setting setting, LayerCut layerCut) throws Exception {
      int port = OtherDevice.freePort();
      alone = setting.alone();
      caller = setting.join("first", port, List.of());
      other = new OtherDevice(setting, "second", OtherDevice.freePort(), port);
      ModelSpec spec = caller.modelSpec();
      int cut = layerCut.of(spec);
      layers = cut + " + " + (spec.layerCount() - cut);
      Setting.awaitPeer(caller, other.id());
      plan = setting.plan(caller, List.of(caller.cluster().status().self(), other.id()), cut);
      caller.cluster().force(plan);
      Setting.awaitPlan(caller, plan);
    }

    String layers() {
      return layers;
    }

    /** Medians of tokens per second, of one process and of two stages. */
    double[] compare(Test test, int sessions, int runs) throws Exception {
      Generations[] sides = {new Generations(alone, sessions), new Generations(caller, sessions)};
      double[][] speeds = new double[2][runs];
      for (int run = -1; run < runs; run++) {
        for (int side = 0; side < 2; side++) {
          Setting.awaitPlan(caller, plan);
          double speed = sides[side].run(test);
          if (run >= 0) { // the one before warms up
            speeds[side][run] = speed;
          }
        }
      }
      return new double[] {median(speeds[0]), median(speeds[1])};
    }

    /** What one session of so many tokens sends, allocates and computes. */
    void printTraffic(int tokens) throws Exception {
      Thread.sleep(COUNTERS_MILLIS);
      long sent = bytes(true);
      long received = bytes(false);
      long here = OtherDevice.allocatedHere();
      long there = other.allocated();
      int rounds = 4;
      double[] speeds = new double[rounds];
      for (int i = 0; i < rounds; i++) {
        speeds[i] = new Generations(caller, 1).run(new Test(Test.Kind.TG, tokens));
      }
      long allocatedHere = OtherDevice.allocatedHere() - here;
      long allocatedThere = other.allocated() - there;
      Thread.sleep(COUNTERS_MILLIS);
      double all = (double) rounds * (tokens + Generations.PROMPT);
      System.out.printf(
          Locale.ROOT,
          "| a token, one session | | | | | %.0f bytes sent to the second stage, %.0f received (hidden"
              + " state %d); allocated %.0f bytes here, %.0f there; %.1f ms, of which its steps take"
              + " %.1f ms here, %.1f there |%n",
          (bytes(true) - sent) / all,
          (bytes(false) - received) / all,
          4 * caller.modelSpec().embeddingLength(),
          allocatedHere / all,
          allocatedThere / all,
          1e3 / median(speeds),
          stepMillis(caller.cluster().status().self()),
          stepMillis(other.id()));
    }

    private double stepMillis(String device) {
      for (ClusterStatus.Peer peer : caller.cluster().status().peers()) {
        if (peer.id().equals(device) && peer.stage() != null) {
          return peer.stage().stepSeconds() * 1e3;
        }
      }
      return Double.NaN;
    }

    private long bytes(boolean sent) {
      for (ClusterStatus.Peer peer : caller.cluster().status().peers()) {
        if (peer.id().equals(other.id())) {
          return sent ? peer.bytesSent() : peer.bytesReceived();
        }
      }
      return 0;
    }

    @Override
    public void close() {
      caller.close();
      other.close();
      alone.close();
    }
  }

  static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
