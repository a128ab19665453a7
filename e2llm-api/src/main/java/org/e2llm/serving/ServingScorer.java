package org.e2llm.serving;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.e2llm.CapacityException;
import org.e2llm.ClosedException;
import org.e2llm.E2llmException;
import org.e2llm.InvalidRequestException;
import org.e2llm.NonFiniteLogitsException;
import org.e2llm.Scorer;
import org.e2llm.StageFailedException;
import org.e2llm.WaitInterruptedException;
import org.e2llm.pipeline.Batch;
import org.e2llm.pipeline.Replica;
import org.e2llm.pipeline.ReplicaSession;
import org.e2llm.pipeline.SliceOutput;
import org.e2llm.text.LogProbability;
import org.jspecify.annotations.Nullable;

/**
 * A scorer: every chunk is a task of the serving thread, so that generations go on between them.
 */
final class ServingScorer implements Scorer {
  /** The most logits of one chunk when all positions are wanted: 32 MiB of floats. */
  private static final int MOST_LOGITS = 8 << 20;

  private final ServingLoop loop;
  private final long id;
  private final int capacity;

  // The session belongs to the serving thread; the rest to the caller, between and after its calls.
  private @Nullable ReplicaSession session;
  private volatile long allocatedBytes;
  private int position;
  private float @Nullable [] logits;
  private boolean closed;

  ServingScorer(ServingLoop loop, long id, int capacity) {
    this.loop = loop;
    this.id = id;
    this.capacity = capacity;
  }

  long allocatedBytes() {
    return allocatedBytes;
  }

  @Override
  public void feed(int[] tokens) {
    feed(tokens, Integer.MAX_VALUE);
  }

  @Override
  public void feed(int[] tokens, int chunk) {
    if (chunk < 1) {
      throw new InvalidRequestException("chunk " + chunk + " is less than 1");
    }
    check(tokens);
    int rows = 0;
    for (int fed = 0; fed < tokens.length; fed += rows) {
      rows = Math.min(tokens.length - fed, Math.min(chunk, loop.maxRows()));
      int[] part = Arrays.copyOfRange(tokens, fed, fed + rows);
      boolean last = fed + rows == tokens.length;
      Batch.Logits wanted = last ? Batch.Logits.LAST : Batch.Logits.NONE;
      call(replica -> forward(replica, part, wanted, output -> {}));
      position += rows;
    }
  }

  @Override
  public double[] logProbabilities(int[] tokens) {
    check(tokens);
    double[] result = new double[Math.max(0, tokens.length - 1)];
    int most = Math.min(loop.maxRows(), Math.max(1, MOST_LOGITS / loop.vocabularySize()));
    int rows = 0;
    for (int fed = 0; fed < tokens.length; fed += rows) {
      rows = Math.min(tokens.length - fed, most);
      int[] part = Arrays.copyOfRange(tokens, fed, fed + rows);
      int from = fed;
      call(
          replica ->
              forward(
                  replica, part, Batch.Logits.ALL, output -> score(output, tokens, from, result)));
      position += rows;
    }
    return result;
  }

  /** Row r of the output tells how probable {@code tokens[from + r + 1]} was. */
  private static void score(SliceOutput.Logits output, int[] tokens, int from, double[] result) {
    for (int row = 0; row < output.rows() && from + row < result.length; row++) {
      int offset = output.offset() + row * output.width();
      result[from + row] =
          LogProbability.of(output.data(), offset, output.width(), tokens[from + row + 1]);
    }
  }

  private void check(int[] tokens) {
    requireOpen();
    for (int token : tokens) {
      if (token < 0 || token >= loop.vocabularySize()) {
        throw new InvalidRequestException(
            "token " + token + " is outside the vocabulary of " + loop.vocabularySize());
      }
    }
    if (tokens.length > capacity - position) {
      throw new CapacityException(
          tokens.length
              + " tokens at position "
              + position
              + " do not fit: this scorer holds "
              + capacity);
    }
  }

  /** One chunk on the serving thread; an interrupt is noticed before it, never inside. */
  private void call(Consumer<Replica> chunk) {
    if (Thread.currentThread().isInterrupted()) {
      throw new WaitInterruptedException("the thread was interrupted while it fed a scorer");
    }
    try {
      loop.call(
          replica -> {
            chunk.accept(replica);
            return id;
          });
    } catch (E2llmException e) {
      position = 0;
      logits = null;
      throw e;
    }
  }

  /** A chunk through the replica, then what is wanted of its logits; on the serving thread. */
  private void forward(
      Replica replica, int[] tokens, Batch.Logits wanted, Consumer<SliceOutput.Logits> use) {
    try {
      ReplicaSession open = session;
      if (open == null) {
        open = replica.open(id, ServingLoop.EPOCH, capacity);
        session = open;
      }
      Batch.Slice slice =
          new Batch.Slice(id, ServingLoop.EPOCH, open.length(), tokens.length, wanted);
      Batch batch = Batch.ofTokens(List.of(slice), tokens);
      SliceOutput output = ServingLoop.compute(replica, batch).get(0);
      allocatedBytes = open.allocatedBytes();
      if (wanted != Batch.Logits.NONE) {
        SliceOutput.Logits rows =
            Objects.requireNonNull(output.logits(), "a session that does not sample gives logits");
        keepLast(rows);
        use.accept(rows);
      }
    } catch (Throwable e) { // what the stages hold of this session now is unknown
      free();
      throw e instanceof E2llmException known
          ? known
          : new StageFailedException("a stage failed: " + e, e);
    }
  }

  private void keepLast(SliceOutput.Logits output) {
    int offset = output.offset() + (output.rows() - 1) * output.width();
    float[] row = logits;
    if (row == null) {
      row = new float[output.width()];
      logits = row;
    }
    System.arraycopy(output.data(), offset, row, 0, row.length);
    for (int token = 0; token < row.length; token++) {
      if (!(Math.abs(row[token]) <= Float.MAX_VALUE)) {
        throw new NonFiniteLogitsException(
            "the logit of token "
                + token
                + " is "
                + row[token]
                + ": the model's weights are damaged");
      }
    }
  }

  @Override
  public float[] logits() {
    requireOpen();
    float[] row = logits;
    if (row == null) {
      throw new IllegalStateException("nothing was fed yet");
    }
    return row.clone();
  }

  @Override
  public int position() {
    return position;
  }

  @Override
  public int capacity() {
    return capacity;
  }

  @Override
  public void reset() {
    requireOpen();
    loop.call(
        replica -> {
          ReplicaSession open = session;
          if (open != null) {
            open.truncate(0);
            allocatedBytes = open.allocatedBytes();
          }
          return position;
        });
    position = 0;
    logits = null;
  }

  private void requireOpen() {
    if (closed) {
      throw new ClosedException("the scorer was closed");
    }
  }

  private void free() {
    ReplicaSession open = session;
    session = null;
    allocatedBytes = 0;
    if (open != null) {
      open.close();
    }
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    logits = null;
    try {
      loop.call(
          replica -> {
            free();
            loop.forget(id);
            return id;
          });
    } catch (ClosedException e) {
      // The model was closed before, and everything of this scorer freed with it.
      position = 0;
    }
  }
}
