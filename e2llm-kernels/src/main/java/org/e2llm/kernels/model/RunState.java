package org.e2llm.kernels.model;

import java.util.Arrays;
import java.util.List;
import org.e2llm.pipeline.Batch;
import org.jspecify.annotations.Nullable;

/**
 * The buffers of one stage for the batch it works on. Mutable, reused for every batch, grown to the
 * largest one seen; never larger than the stage's most rows ask for.
 *
 * <p>R rows, E embedding length, F feed-forward length.
 */
final class RunState {
  private final ModelConfig config;

  /** Rows of the batch. */
  int rows;

  /** Slices of the batch. */
  int slices;

  /** The hidden state: R × E. */
  float[] hidden = new float[0];

  /** The hidden state after a norm: R × E. */
  float[] normed = new float[0];

  /** Queries, keys and values of a row side by side: R × {@link Heads#qkvWidth()}. */
  float[] qkv = new float[0];

  /** What the heads give: R × {@link Heads#outputWidth()}. */
  float[] attended = new float[0];

  /** What attention or the feed-forward network adds to the hidden state: R × E. */
  float[] branch = new float[0];

  /** Gate and up side by side: R × 2F. */
  float[] gateUp = new float[0];

  /** Cosines of each row's position: R × pairs; likewise the three that follow. */
  float[] cos = new float[0];

  float[] sin = new float[0];
  float[] slidingCos = new float[0];
  float[] slidingSin = new float[0];

  /** Absolute position of each row. */
  int[] positions = new int[0];

  /** Cache of each row's session. */
  @Nullable KvCache[] caches = new KvCache[0];

  /** First row of each slice, and behind the last one the number of rows. */
  int[] sliceRows = new int[1];

  /** Normed rows whose logits are wanted: logit rows × E. */
  float[] logitInput = new float[0];

  /** Logits: logit rows × vocabulary. */
  float[] logits = new float[0];

  RunState(ModelConfig config) {
    this.config = config;
  }

  /** Takes in where the rows of a batch stand. {@code sessions} has one per slice. */
  void begin(Batch batch, List<LocalSession> sessions) {
    grow(batch.rows());
    rows = batch.rows();
    slices = batch.slices().size();
    if (sliceRows.length <= slices) {
      sliceRows = new int[slices + 1];
    }
    int row = 0;
    for (int i = 0; i < slices; i++) {
      Batch.Slice slice = batch.slices().get(i);
      sliceRows[i] = row;
      for (int j = 0; j < slice.length(); j++, row++) {
        positions[row] = slice.start() + j;
        caches[row] = sessions.get(i).cache();
      }
    }
    sliceRows[slices] = row;
  }

  /** Lets go of the sessions, whose memory may be freed before the next batch. */
  void end() {
    Arrays.fill(caches, 0, rows, null);
  }

  KvCache cache(int row) {
    KvCache cache = caches[row];
    if (cache == null) {
      throw new IllegalStateException("row " + row + " is outside the batch");
    }
    return cache;
  }

  /** Makes room for {@code count} rows of logits. */
  void growLogits(int count) {
    logitInput = grown(logitInput, count, config.embeddingLength());
    logits = grown(logits, count, config.vocabularySize());
  }

  private void grow(int count) {
    if (positions.length >= count) {
      return;
    }
    Heads heads = config.heads();
    hidden = grown(hidden, count, config.embeddingLength());
    normed = grown(normed, count, config.embeddingLength());
    branch = grown(branch, count, config.embeddingLength());
    qkv = grown(qkv, count, heads.qkvWidth());
    attended = grown(attended, count, heads.outputWidth());
    gateUp = grown(gateUp, count, 2 * config.feedForwardLength());
    int pairs = config.rope().pairs();
    cos = grown(cos, count, pairs);
    sin = grown(sin, count, pairs);
    RopeConfig sliding = config.slidingRope();
    if (sliding == null) {
      slidingCos = cos;
      slidingSin = sin;
    } else {
      slidingCos = grown(slidingCos, count, sliding.pairs());
      slidingSin = grown(slidingSin, count, sliding.pairs());
    }
    caches = new KvCache[count];
    positions = new int[count];
  }

  private static float[] grown(float[] buffer, int rows, int width) {
    int needed = Math.multiplyExact(rows, width);
    return buffer.length >= needed ? buffer : new float[needed];
  }
}
