package org.e2llm.kernels.model;

import java.util.Arrays;
import org.e2llm.kernels.math.Kernels;
import org.e2llm.kernels.math.WorkerTeam;
import org.jspecify.annotations.Nullable;

/**
 * Grouped-query attention (arXiv 2305.13245) of one layer over all rows of a batch.
 *
 * <p>Every row sees the positions of its own session up to its own, through what the cache holds of
 * them: also those of the current batch are written first and read back. Each step is defined per
 * row, head and absolute position, so the result does not depend on how rows were batched, cut into
 * chunks or shared between workers.
 *
 * <p>The unit of work is some consecutive rows of one session for one key head. A block of keys is
 * widened to F32 once per unit and used for all its rows and all query heads of the group; that is
 * what keeps long prompts cheap.
 */
final class Attention {
  /** Rows of a unit: enough to pay for widening a block, few enough to share out. */
  private static final int MOST_ROWS = 16;

  /** Scores of a unit: 1 MiB, which stays in a core's cache. */
  private static final int MOST_SCORES = 1 << 18;

  private static final int BLOCK = KvPages.POSITIONS;

  private final ModelConfig config;
  private final Heads heads;
  private final int layer;
  private final LayerWeights weights;
  private final RunState state;
  private final Compute compute;
  private final AttentionWorkspace workspace;
  private final RopeConfig rope;
  private final WorkerTeam.Task project = this::project;
  private final WorkerTeam.Task remember = this::remember;
  private final WorkerTeam.Task attend = this::attend;
  private final WorkerTeam.Task output = this::output;

  Attention(
      ModelConfig config,
      int layer,
      LayerWeights weights,
      RunState state,
      Compute compute,
      AttentionWorkspace workspace) {
    this.config = config;
    this.heads = config.heads();
    this.layer = layer;
    this.weights = weights;
    this.state = state;
    this.compute = compute;
    this.workspace = workspace;
    RopeConfig sliding = config.slidingRope();
    this.rope = slides() && sliding != null ? sliding : config.rope();
  }

  /**
   * {@code state.branch = attention(state.normed)}; writes the rows' keys and values to their
   * caches.
   */
  void forward() {
    compute.run(project);
    compute.runRows(remember, (long) state.rows * heads.qkvWidth());
    compute.run(attend);
    compute.run(output);
  }

  private void project(int worker, int workers) {
    int width = config.embeddingLength();
    int rows = state.rows;
    float[] out = state.qkv;
    int stride = heads.qkvWidth();
    int keys = heads.queryWidth();
    int values = keys + heads.keyWidth();
    weights.query().apply(compute, worker, workers, state.normed, width, rows, out, 0, stride);
    weights.key().apply(compute, worker, workers, state.normed, width, rows, out, keys, stride);
    weights.value().apply(compute, worker, workers, state.normed, width, rows, out, values, stride);
  }

  /** Norms and rotates queries and keys of a worker's rows, and stores keys and values. */
  private void remember(int worker, int workers) {
    int keys = heads.queryWidth();
    int values = keys + heads.keyWidth();
    int to = Compute.share(state.rows, worker + 1, workers);
    for (int row = Compute.share(state.rows, worker, workers); row < to; row++) {
      int at = row * heads.qkvWidth();
      normAndRotate(row, at, heads.count(), weights.queryNorm());
      normAndRotate(row, at + keys, heads.countKv(), weights.keyNorm());
      KvCache cache = state.cache(row);
      cache.keys(layer).write(state.positions[row], state.qkv, at + keys);
      cache.values(layer).write(state.positions[row], state.qkv, at + values);
    }
  }

  private void normAndRotate(int row, int offset, int count, float @Nullable [] norm) {
    Kernels kernels = compute.kernels();
    float[] cos = slides() ? state.slidingCos : state.cos;
    float[] sin = slides() ? state.slidingSin : state.sin;
    int length = heads.keyLength();
    int pairs = rope.pairs();
    for (int head = 0; head < count; head++) {
      int at = offset + head * length;
      if (norm != null) {
        kernels.rmsNorm(state.qkv, at, norm, length, config.rmsEpsilon(), state.qkv, at);
      }
      kernels.rotate(state.qkv, at, cos, sin, row * pairs, pairs, rope.neox());
    }
  }

  /** Units are numbered slice by slice, later rows first; worker w takes every workers-th. */
  private void attend(int worker, int workers) {
    int unit = 0;
    for (int slice = 0; slice < state.slices; slice++) {
      int from = state.sliceRows[slice];
      int to = state.sliceRows[slice + 1];
      int step = rowsPerUnit(state.positions[to - 1] + 1);
      for (int row = from; row < to; row += step) {
        for (int headKv = 0; headKv < heads.countKv(); headKv++, unit++) {
          if (unit % workers == worker) {
            attend(worker, row, Math.min(row + step, to), headKv);
          }
        }
      }
    }
  }

  private int rowsPerUnit(int positions) {
    return Math.max(1, Math.min(MOST_ROWS, MOST_SCORES / heads.group() / positions));
  }

  /** Rows {@code [from, to)} of one session against one key head. */
  private void attend(int worker, int from, int to, int headKv) {
    int firstBlock = firstVisible(from) / BLOCK;
    int lastBlock = state.positions[to - 1] / BLOCK;
    int stride = (lastBlock - firstBlock + 1) * BLOCK;
    float[] scores = workspace.scores(worker, (to - from) * heads.group() * stride);
    for (int block = firstBlock; block <= lastBlock; block++) {
      scoreBlock(worker, from, to, headKv, block, scores, (block - firstBlock) * BLOCK, stride);
    }
    for (int row = from; row < to; row++) {
      int first = firstVisible(row);
      int count = state.positions[row] + 1 - first;
      for (int g = 0; g < heads.group(); g++) {
        int at = ((row - from) * heads.group() + g) * stride + first - firstBlock * BLOCK;
        compute.kernels().softmax(scores, at, count, first);
        int out = outputAt(row, headKv, g);
        Arrays.fill(state.attended, out, out + heads.valueLength(), 0);
      }
    }
    for (int block = firstBlock; block <= lastBlock; block++) {
      sumBlock(worker, from, to, headKv, block, scores, (block - firstBlock) * BLOCK, stride);
    }
  }

  private void scoreBlock(
      int worker, int from, int to, int headKv, int block, float[] scores, int at, int stride) {
    int start = block * BLOCK;
    int held = Math.min(BLOCK, state.positions[to - 1] + 1 - start);
    float[] keys = workspace.block(worker);
    int length = heads.keyLength();
    state.cache(from).keys(layer).read(block, headKv, held, keys);
    for (int row = from; row < to; row++) {
      int first = Math.max(firstVisible(row), start);
      int count = Math.min(state.positions[row] + 1, start + BLOCK) - first;
      if (count <= 0) {
        continue;
      }
      int query = row * heads.qkvWidth() + headKv * heads.group() * length;
      int score = (row - from) * heads.group() * stride + at + first - start;
      for (int g = 0; g < heads.group(); g++) {
        compute
            .kernels()
            .attentionScores(
                state.qkv,
                query + g * length,
                keys,
                (first - start) * length,
                length,
                count,
                length,
                heads.scale(),
                scores,
                score + g * stride);
      }
    }
  }

  private void sumBlock(
      int worker, int from, int to, int headKv, int block, float[] scores, int at, int stride) {
    int start = block * BLOCK;
    int held = Math.min(BLOCK, state.positions[to - 1] + 1 - start);
    float[] values = workspace.block(worker);
    int length = heads.valueLength();
    state.cache(from).values(layer).read(block, headKv, held, values);
    for (int row = from; row < to; row++) {
      int first = Math.max(firstVisible(row), start);
      int count = Math.min(state.positions[row] + 1, start + BLOCK) - first;
      if (count <= 0) {
        continue;
      }
      int score = (row - from) * heads.group() * stride + at + first - start;
      for (int g = 0; g < heads.group(); g++) {
        compute
            .kernels()
            .attentionValues(
                scores,
                score + g * stride,
                values,
                (first - start) * length,
                length,
                count,
                length,
                state.attended,
                outputAt(row, headKv, g));
      }
    }
  }

  private int outputAt(int row, int headKv, int g) {
    return row * heads.outputWidth() + (headKv * heads.group() + g) * heads.valueLength();
  }

  private int firstVisible(int row) {
    return config.window().firstVisible(layer, state.positions[row]);
  }

  private boolean slides() {
    return config.window().slides(layer);
  }

  private void output(int worker, int workers) {
    int width = config.embeddingLength();
    weights
        .attnOutput()
        .apply(
            compute,
            worker,
            workers,
            state.attended,
            heads.outputWidth(),
            state.rows,
            state.branch,
            0,
            width);
  }
}
