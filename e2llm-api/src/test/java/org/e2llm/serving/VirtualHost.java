package org.e2llm.serving;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.IntFunction;
import org.e2llm.Generation;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.Batch;
import org.e2llm.pipeline.Caller;
import org.e2llm.pipeline.KvBlock;
import org.e2llm.pipeline.Replica;
import org.e2llm.pipeline.ReplicaSession;
import org.e2llm.pipeline.Role;
import org.e2llm.pipeline.SamplingSpec;
import org.e2llm.pipeline.SliceOutput;
import org.e2llm.testing.FakeEngine;
import org.e2llm.testing.FakeTokenizer;
import org.e2llm.text.Sampled;
import org.e2llm.text.SamplingParams;
import org.jspecify.annotations.Nullable;

/**
 * A live serving loop, thread and all, in a time of its own: its replica computes nothing, and
 * every step moves the clock by what it is said to take. Requests that arrive meanwhile are
 * submitted before the step ends, each when the clock says so.
 */
public final class VirtualHost {
  private static final double NANOS = 1e9;

  /** The largest prompt chunk and batch. */
  private static final int ROWS = 512;

  /** What a step takes, in seconds; as the planner's cost of a stage. */
  @FunctionalInterface
  public interface Cost {
    double seconds(
        int promptTokens, double promptContext, int decodeRows, long cachedTokens, int logitRows);
  }

  /**
   * A request.
   *
   * @param arrival in seconds; none before the one in front of it
   * @param output tokens that it will have, at most {@code maxTokens}
   */
  public record Asked(double arrival, int prompt, int output, int maxTokens) {}

  private final Cost cost;
  private final long kvTokens;
  private final ServingLoop loop;
  private final List<Asked> requests;
  private final List<Generation> generations = new ArrayList<>();
  private final double[] firstToken;
  private final double[] end;
  private final int[] produced;
  private int arrived;
  private volatile long now = 1;

  private VirtualHost(
      List<Asked> requests, HostLimits limits, @Nullable HostEstimates estimates, Cost cost) {
    this.cost = cost;
    kvTokens = limits.kvBytes() / limits.bytesPerToken();
    this.requests = requests;
    firstToken = new double[requests.size()];
    end = new double[requests.size()];
    produced = new int[requests.size()];
    loop =
        new ServingLoop(
            new Computing(),
            FakeEngine.spec(limits.contextLength()),
            new FakeTokenizer(),
            limits,
            estimates == null ? new MeasuredEstimates(ROWS, 1, limits) : estimates,
            () -> now,
            () -> {});
  }

  /** With estimates of its only replica, and batch limits, that do not change. */
  public static VirtualHost of(
      List<Asked> requests,
      HostLimits limits,
      ReplicaEstimates estimates,
      IntFunction<BatchScheduler.Limits> batches,
      Cost cost) {
    return new VirtualHost(requests, limits, new Given(estimates, batches), cost);
  }

  /** With what it learns from its steps. */
  public static VirtualHost learning(List<Asked> requests, HostLimits limits, Cost cost) {
    return new VirtualHost(requests, limits, null, cost);
  }

  /** Answers all requests. */
  public VirtualHost run() {
    try (loop) {
      while (arriveIfIdle()) {
        List<Generation> open;
        do {
          open = open();
          open.forEach(Generation::await);
        } while (!open.isEmpty());
      }
    }
    return this;
  }

  private synchronized List<Generation> open() {
    List<Generation> open = new ArrayList<>(generations);
    open.removeIf(Generation::isDone);
    return open;
  }

  private synchronized boolean arriveIfIdle() {
    if (arrived == requests.size()) {
      return false;
    }
    submitNext();
    return true;
  }

  private void submitNext() {
    Asked next = requests.get(arrived);
    now = Math.max(now, Math.round(next.arrival() * NANOS));
    int[] prompt = new int[next.prompt()];
    prompt[0] = arrived++;
    generations.add(
        loop.submit(
            new Submission(
                prompt,
                next.maxTokens(),
                new SamplingSpec(SamplingParams.GREEDY, null),
                List.of(),
                null,
                null,
                null,
                null,
                null,
                Duration.ZERO)));
  }

  /** Seconds from arrival to first token. */
  public double ttft(int request) {
    return firstToken[request] - requests.get(request).arrival();
  }

  /** Seconds from arrival to the last token. */
  public double endToEnd(int request) {
    return end[request] - requests.get(request).arrival();
  }

  /** Seconds per output token after the first; 0 if there is none. */
  public double tpot(int request) {
    int more = requests.get(request).output() - 1;
    return more == 0 ? 0 : (end[request] - firstToken[request]) / more;
  }

  /** Requests in the order of their first tokens. */
  public List<Integer> order() {
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < firstToken.length; i++) {
      order.add(i);
    }
    order.sort((a, b) -> Double.compare(firstToken[a], firstToken[b]));
    return order;
  }

  private final class Computing implements Replica {
    private final Map<Long, Session> sessions = new HashMap<>();

    @Override
    public int maxRows() {
      return ROWS;
    }

    @Override
    public int vocabularySize() {
      return FakeTokenizer.VOCABULARY;
    }

    @Override
    public ReplicaSession open(long session, int epoch, int capacity) {
      Session opened = new Session(this, session);
      sessions.put(session, opened);
      return opened;
    }

    @Override
    public CompletionStage<List<SliceOutput>> step(Batch batch) {
      long ends = now + Math.round(seconds(batch) * NANOS);
      synchronized (VirtualHost.this) {
        while (arrived < requests.size() && requests.get(arrived).arrival() * NANOS <= ends) {
          submitNext();
        }
      }
      now = ends;
      List<SliceOutput> outputs = new ArrayList<>();
      for (Batch.Slice slice : batch.slices()) {
        Session session = sessions.get(slice.session());
        session.length += slice.length();
        Sampled token = slice.logits() == Batch.Logits.LAST ? session.sample() : null;
        outputs.add(new SliceOutput(slice, token, null, null));
      }
      long cached = sessions.values().stream().mapToLong(Session::length).sum();
      if (cached > kvTokens) {
        throw new IllegalStateException(cached + " tokens are cached, allowed are " + kvTokens);
      }
      return CompletableFuture.completedFuture(outputs);
    }

    private double seconds(Batch batch) {
      int promptTokens = 0;
      double positions = 0;
      int decodeRows = 0;
      long cached = 0;
      int logitRows = 0;
      for (Batch.Slice slice : batch.slices()) {
        logitRows += slice.logits() == Batch.Logits.LAST ? 1 : 0;
        if (produced[sessions.get(slice.session()).request] > 0) {
          decodeRows++;
          cached += slice.start() + 1;
        } else {
          promptTokens += slice.length();
          positions += slice.length() * (slice.start() + (slice.length() + 1) / 2.0);
        }
      }
      double context = promptTokens == 0 ? 0 : positions / promptTokens;
      return cost.seconds(promptTokens, context, decodeRows, cached, logitRows);
    }

    @Override
    public void close() {
      sessions.clear();
    }
  }

  private final class Session implements ReplicaSession {
    private final Computing replica;
    private final long id;
    private int length;
    private int request;

    Session(Computing replica, long id) {
      this.replica = replica;
      this.id = id;
    }

    @Override
    public void begin(int[] tokens, SamplingSpec sampling, @Nullable Caller caller) {
      request = tokens[0];
    }

    Sampled sample() {
      double time = now / NANOS;
      firstToken[request] = produced[request] == 0 ? time : firstToken[request];
      end[request] = time;
      boolean last = ++produced[request] == requests.get(request).output();
      return new Sampled(last ? FakeTokenizer.EOS : 'a', Float.NaN, List.of());
    }

    @Override
    public long id() {
      return id;
    }

    @Override
    public int epoch() {
      return 0;
    }

    @Override
    public int length() {
      return length;
    }

    @Override
    public void truncate(int newLength) {
      length = newLength;
    }

    @Override
    public long allocatedBytes() {
      return 0;
    }

    @Override
    public KvBlock exportKv(LayerRange layers, int from, int to) {
      throw new UnsupportedOperationException("nothing is computed here");
    }

    @Override
    public void importKv(KvBlock block) {
      throw new UnsupportedOperationException("nothing is computed here");
    }

    @Override
    public void close() {
      replica.sessions.remove(id);
    }
  }

  private record Given(ReplicaEstimates of, IntFunction<BatchScheduler.Limits> batches)
      implements HostEstimates {
    @Override
    public BatchScheduler.Limits limits(int decoding) {
      return batches.apply(decoding);
    }

    @Override
    public int size() {
      return 1;
    }

    @Override
    public Role role(int replica) {
      return of.role(0);
    }

    @Override
    public int kvTokens(int replica) {
      return of.kvTokens(0);
    }

    @Override
    public double expectedOutput() {
      return of.expectedOutput();
    }

    @Override
    public double prefillSeconds(int replica, int promptTokens, int decoding) {
      return of.prefillSeconds(0, promptTokens, decoding);
    }

    @Override
    public double fillSeconds(int replica, int promptTokens) {
      return of.fillSeconds(0, promptTokens);
    }

    @Override
    public double stallSeconds(int replica, int promptTokens, int decoding) {
      return of.stallSeconds(0, promptTokens, decoding);
    }

    @Override
    public double stepSeconds(int replica, int decoding, double cachedTokens) {
      return of.stepSeconds(0, decoding, cachedTokens);
    }

    @Override
    public double handoffSeconds(int from, int to, int promptTokens) {
      return of.handoffSeconds(0, 0, promptTokens);
    }

    @Override
    public int channels() {
      return of.channels();
    }

    @Override
    public int[] channels(int from, int to) {
      return of.channels(0, 0);
    }

    @Override
    public double channelSeconds(int from, int to, int index, int promptTokens) {
      return of.channelSeconds(0, 0, index, promptTokens);
    }
  }
}
