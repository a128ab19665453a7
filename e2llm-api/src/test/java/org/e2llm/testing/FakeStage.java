package org.e2llm.testing;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.e2llm.InvalidRequestException;
import org.e2llm.StaleEpochException;
import org.e2llm.model.KvType;
import org.e2llm.model.LayerRange;
import org.e2llm.pipeline.Batch;
import org.e2llm.pipeline.KvBlock;
import org.e2llm.pipeline.Stage;
import org.e2llm.pipeline.StageOutput;
import org.e2llm.pipeline.StageSession;

/**
 * A stage of a "model" made of hashes: the KV of a position is a hash of the KV before it and of
 * the layer's input, so that logits depend on every token, its position and every byte of the
 * cache.
 *
 * <p>Strict about its contract: slices start where the KV ends, capacity holds, nobody overlaps.
 */
public final class FakeStage implements Stage {
  /** Floats of a hidden state: 16 bits of a hash in each. */
  public static final int WIDTH = 4;

  /** KV cache per position and layer: one hash, its upper half as key, its lower half as value. */
  public static final int BYTES_PER_POSITION = 8;

  private static final int PAGE = 16;

  private final LayerRange layers;
  private final int layerCount;
  private final int maxRows;
  private final Consumer<Batch> before;
  private final Map<Long, Session> sessions = new LinkedHashMap<>();
  private final AtomicBoolean busy = new AtomicBoolean();
  private boolean closed;

  /**
   * A stage.
   *
   * @param before is called with every batch, and may throw or block
   */
  public FakeStage(LayerRange layers, int layerCount, int maxRows, Consumer<Batch> before) {
    this.layers = layers;
    this.layerCount = layerCount;
    this.maxRows = maxRows;
    this.before = before;
  }

  @Override
  public LayerRange layers() {
    return layers;
  }

  @Override
  public boolean isFirst() {
    return layers.from() == 0;
  }

  @Override
  public boolean isLast() {
    return layers.to() == layerCount;
  }

  @Override
  public int maxRows() {
    return maxRows;
  }

  public boolean isClosed() {
    return closed;
  }

  public int openSessions() {
    return sessions.size();
  }

  @Override
  public StageSession open(long session, int epoch, int capacity) {
    requireOpen();
    Session opened = new Session(session, epoch, capacity);
    if (sessions.putIfAbsent(session, opened) != null) {
      throw new IllegalStateException("session " + session + " is open already");
    }
    return opened;
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the stage is closed");
    }
  }

  @Override
  public CompletionStage<StageOutput> forward(Batch batch) {
    requireOpen();
    if (!busy.compareAndSet(false, true)) {
      throw new IllegalStateException("two threads drive one stage");
    }
    try {
      before.accept(batch);
      return CompletableFuture.completedFuture(compute(batch));
    } catch (RuntimeException e) {
      return CompletableFuture.failedFuture(e);
    } finally {
      busy.set(false);
    }
  }

  private StageOutput compute(Batch batch) {
    if (batch.rows() > maxRows) {
      throw new InvalidRequestException(batch.rows() + " rows, at most " + maxRows);
    }
    for (Batch.Slice slice : batch.slices()) {
      sessions.get(slice.session()).check(slice);
    }
    int vocabulary = FakeTokenizer.VOCABULARY;
    float[] out = new float[isLast() ? batch.logitRows() * vocabulary : batch.rows() * WIDTH];
    int row = 0;
    int logitRow = 0;
    for (Batch.Slice slice : batch.slices()) {
      Session session = sessions.get(slice.session());
      for (int i = 0; i < slice.length(); i++, row++) {
        long state = isFirst() ? embed(batch, row) : read(batch.hidden(), row);
        state = session.append(state);
        if (!isLast()) {
          write(state, out, row);
        } else if (slice.logits() == Batch.Logits.ALL
            || (slice.logits() == Batch.Logits.LAST && i == slice.length() - 1)) {
          boolean nan = isFirst() && batch.tokens()[row] == FakeTokenizer.NAN;
          logits(state, out, logitRow++ * vocabulary, nan);
        }
      }
    }
    return isLast()
        ? new StageOutput(out, batch.logitRows(), vocabulary)
        : new StageOutput(out, batch.rows(), WIDTH);
  }

  private static long embed(Batch batch, int row) {
    int token = batch.tokens()[row];
    if (token < 0 || token >= FakeTokenizer.VOCABULARY) {
      throw new InvalidRequestException("token " + token);
    }
    return mix(token);
  }

  private static long read(float[] hidden, int row) {
    long state = 0;
    for (int i = 0; i < WIDTH; i++) {
      state = state << 16 | (long) hidden[row * WIDTH + i];
    }
    return state;
  }

  private static void write(long state, float[] hidden, int row) {
    for (int i = 0; i < WIDTH; i++) {
      hidden[row * WIDTH + i] = state >>> (48 - 16 * i) & 0xFFFF;
    }
  }

  private static void logits(long state, float[] out, int offset, boolean nan) {
    for (int token = 0; token < FakeTokenizer.VOCABULARY; token++) {
      // Letters are likelier than other bytes, special tokens but EOS never come.
      float logit = (mix(state + token) >>> 40) * 0x1p-21f;
      boolean letter = token == ' ' || (token >= 'a' && token <= 'z') || token > FakeTokenizer.NAN;
      boolean never = token >= FakeTokenizer.BOS && token <= FakeTokenizer.NAN;
      never &= token != FakeTokenizer.EOS;
      out[offset + token] = never ? -1e9f : letter ? logit + 2 : logit;
    }
    if (nan) {
      out[offset + 7] = Float.NaN;
    }
  }

  static long mix(long z) {
    z += 0x9E3779B97F4A7C15L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  @Override
  public void close() {
    closed = true;
    sessions.clear();
  }

  private final class Session implements StageSession {
    private final long id;
    private final int epoch;
    private final int capacity;
    private long[][] kv = new long[layers.size()][0];
    private int length;
    private int[] imported;

    Session(long id, int epoch, int capacity) {
      this.id = id;
      this.epoch = epoch;
      this.capacity = capacity;
      this.imported = new int[layers.size()];
    }

    void check(Batch.Slice slice) {
      if (slice.epoch() < epoch) {
        throw new StaleEpochException("epoch " + slice.epoch() + " is older than " + epoch);
      }
      if (Arrays.stream(imported).anyMatch(layer -> layer > length)) {
        throw new InvalidRequestException("an import is half-way: " + Arrays.toString(imported));
      }
      if (slice.start() != length || slice.length() > capacity - length) {
        throw new InvalidRequestException(slice + " at length " + length + " of " + capacity);
      }
    }

    long append(long input) {
      grow(length + 1);
      long state = input;
      for (int layer = 0; layer < kv.length; layer++) {
        long past = length == 0 ? 1 : kv[layer][length - 1];
        kv[layer][length] = mix(past * 31 + mix(state + layers.from() + layer) + length);
        state = kv[layer][length];
      }
      length++;
      return state;
    }

    private void grow(int positions) {
      for (int layer = 0; layer < kv.length; layer++) {
        if (kv[layer].length < positions) {
          int pages = (positions + PAGE - 1) / PAGE;
          kv[layer] = Arrays.copyOf(kv[layer], Math.min(capacity, pages * PAGE));
        }
      }
    }

    @Override
    public long id() {
      return id;
    }

    @Override
    public int epoch() {
      return epoch;
    }

    @Override
    public int length() {
      return length;
    }

    @Override
    public void truncate(int newLength) {
      if (newLength < 0 || newLength > length) {
        throw new IllegalArgumentException("truncate " + length + " to " + newLength);
      }
      length = newLength;
      Arrays.fill(imported, newLength);
      for (int layer = 0; layer < kv.length; layer++) {
        kv[layer] = Arrays.copyOf(kv[layer], newLength);
      }
    }

    @Override
    public long allocatedBytes() {
      long bytes = 0;
      for (long[] layer : kv) {
        bytes += (long) layer.length * BYTES_PER_POSITION;
      }
      return bytes;
    }

    @Override
    public KvBlock exportKv(LayerRange range, int from, int to) {
      if (!layers.contains(range) || from < 0 || from > to || to > length) {
        throw new IllegalArgumentException(range + " " + from + " to " + to);
      }
      ByteBuffer data =
          ByteBuffer.allocate(range.size() * (to - from) * BYTES_PER_POSITION)
              .order(ByteOrder.LITTLE_ENDIAN);
      for (int layer = range.from(); layer < range.to(); layer++) {
        for (int p = from; p < to; p++) {
          data.putInt((int) (kv[layer - layers.from()][p] >>> 32));
        }
        for (int p = from; p < to; p++) {
          data.putInt((int) kv[layer - layers.from()][p]);
        }
      }
      data.flip();
      return new KvBlock(KvBlock.Kind.KV, range, from, to, KvType.F32, data);
    }

    @Override
    public void importKv(KvBlock block) {
      ByteBuffer data = block.data().duplicate().order(ByteOrder.LITTLE_ENDIAN);
      int count = block.to() - block.from();
      if (!layers.contains(block.layers())
          || data.remaining() != block.layers().size() * count * BYTES_PER_POSITION) {
        throw new IllegalArgumentException("block " + block);
      }
      grow(block.to());
      for (int layer = block.layers().from(); layer < block.layers().to(); layer++) {
        int own = layer - layers.from();
        if (Math.max(imported[own], length) != block.from()) {
          throw new IllegalArgumentException("layer " + layer + " does not go on: " + block);
        }
        int at = data.position();
        for (int i = 0; i < count; i++) {
          long high = data.getInt(at + 4 * i);
          long low = data.getInt(at + 4 * (count + i)) & 0xFFFFFFFFL;
          kv[own][block.from() + i] = high << 32 | low;
        }
        data.position(at + count * BYTES_PER_POSITION);
        imported[own] = block.to();
      }
      length = Math.max(length, Arrays.stream(imported).min().orElse(0));
    }

    @Override
    public void close() {
      sessions.remove(id, this);
    }
  }
}
