package org.e2llm.kernels.profile;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.e2llm.kernels.math.Kernels;
import org.e2llm.kernels.math.Scratch;
import org.e2llm.kernels.math.Tensor;
import org.e2llm.kernels.math.WorkerTeam;

/**
 * Layers to measure with: the products, norms, activation and barriers of a decoder layer, without
 * attention, which the cost model counts by itself. Inputs are constant, so that nothing can grow
 * out of range; what is computed has no meaning.
 *
 * <p>R rows, W width, I inner width.
 */
final class LayerSample implements AutoCloseable {
  /** As the engine hands out rows. */
  private static final int ROW_UNIT = 16;

  /** Under so many elements the engine does not wake the team for a loop. */
  private static final int SERIAL_ELEMENTS = 8192;

  private static final float EPSILON = 1e-5f;

  /** The matrices of one layer: rows of a part of the outputs, columns as in the model. */
  private record Layer(Tensor qkv, Tensor output, Tensor gateUp, Tensor down) {
    long parameters() {
      long sum = 0;
      for (Tensor matrix : new Tensor[] {qkv, output, gateUp, down}) {
        sum += (long) matrix.rows() * matrix.columns();
      }
      return sum;
    }

    long bytes() {
      long sum = 0;
      for (Tensor matrix : new Tensor[] {qkv, output, gateUp, down}) {
        sum += matrix.rows() * matrix.rowBytes();
      }
      return sum;
    }
  }

  private final Kernels kernels;
  private final WorkerTeam team;
  private final Scratch[] scratch;
  private final SampleMemory memory;
  private final Layer[] layers;
  private final int width;
  private final float[] ones;

  /** Input of every product: R × the widest. */
  private final float[] x;

  /** Output of every product: R × the most rows. */
  private final float[] out;

  /** The hidden state, and after a norm: R × W. */
  private final float[] hidden;

  private final float[] normed;
  private final int xStride;
  private final int outStride;

  private int rows;
  private Layer layer;
  private int next;

  /**
   * @param share of each matrix's rows that is kept, where a whole layer is too large
   * @param mostRows of a pass
   */
  LayerSample(
      Kernels kernels, int threads, LayerShape shape, double share, int count, int mostRows) {
    this.kernels = kernels;
    width = shape.width();
    xStride =
        Math.max(
            shape.columns(width),
            Math.max(shape.columns(shape.attended()), shape.columns(shape.inner())));
    outStride =
        Math.max(
            width,
            Math.max(
                LayerShape.rows(shape.qkvRows(), share),
                2 * LayerShape.rows(shape.inner(), share)));
    x = new float[mostRows * xStride];
    SplittableRandom random = new SplittableRandom(2);
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) random.nextDouble() - 0.5f;
    }
    out = new float[mostRows * outStride];
    hidden = new float[mostRows * width];
    Arrays.fill(hidden, 1f);
    normed = new float[mostRows * width];
    ones = new float[width];
    Arrays.fill(ones, 1f);
    scratch = new Scratch[threads];
    Arrays.setAll(scratch, i -> new Scratch());
    layers = new Layer[count];
    memory = SampleMemory.open();
    try {
      for (int i = 0; i < count; i++) {
        layers[i] = layer(shape, share);
      }
      team = new WorkerTeam(threads);
    } catch (RuntimeException | Error e) {
      memory.close();
      throw e;
    }
    layer = layers[0];
  }

  private Layer layer(LayerShape shape, double share) {
    int wide = shape.columns(width);
    int half = LayerShape.rows(shape.inner(), share);
    return new Layer(
        memory.tensor(shape.type(), LayerShape.rows(shape.qkvRows(), share), wide),
        memory.tensor(shape.type(), LayerShape.rows(width, share), shape.columns(shape.attended())),
        memory.tensor(shape.type(), 2 * half, wide),
        memory.tensor(shape.type(), LayerShape.rows(width, share), shape.columns(shape.inner())));
  }

  int count() {
    return layers.length;
  }

  /** Elements of one layer's matrices. */
  long parameters() {
    return layers[0].parameters();
  }

  /** Weight bytes of one layer. */
  long bytes() {
    return layers[0].bytes();
  }

  /** Takes rows through {@code count} layers, going on where the last pass ended. */
  void forward(int passRows, int count) {
    rows = passRows;
    for (int i = 0; i < count; i++) {
      layer = layers[next];
      next = (next + 1) % layers.length;
      runRows(this::norm);
      team.run(this::project);
      team.run(LayerSample::attend);
      team.run(this::output);
      runRows(this::addAndNorm);
      team.run(this::expand);
      team.run(this::contract);
      runRows(this::add);
    }
  }

  /** What a step costs that finds the team asleep and has nothing to do. */
  void wake() {
    team.run(LayerSample::attend);
  }

  private void runRows(WorkerTeam.Task task) {
    if ((long) rows * width < SERIAL_ELEMENTS) {
      task.run(0, 1);
    } else {
      team.run(task);
    }
  }

  private void norm(int worker, int workers) {
    for (int row = first(worker, workers); row < first(worker + 1, workers); row++) {
      int at = row * width;
      kernels.rmsNorm(hidden, at, ones, width, EPSILON, normed, at);
    }
  }

  private void add(int worker, int workers) {
    for (int row = first(worker, workers); row < first(worker + 1, workers); row++) {
      kernels.add(normed, row * width, hidden, row * width, width);
    }
  }

  private void addAndNorm(int worker, int workers) {
    add(worker, workers);
    norm(worker, workers);
  }

  private void project(int worker, int workers) {
    multiply(layer.qkv, 0, layer.qkv.rows(), 0, worker, workers);
  }

  /** Stands for attention: a barrier. */
  private static void attend(int worker, int workers) {}

  private void output(int worker, int workers) {
    multiply(layer.output, 0, layer.output.rows(), 0, worker, workers);
  }

  private void expand(int worker, int workers) {
    int half = layer.gateUp.rows() / 2;
    multiply(layer.gateUp, 0, half, 0, worker, workers);
    multiply(layer.gateUp, half, half, 0, worker, workers);
    int from = cut(half, worker, workers);
    int length = cut(half, worker + 1, workers) - from;
    for (int row = 0; row < rows; row++) {
      int at = row * outStride + from;
      kernels.siluMultiply(out, at, out, at + half, length, scratch[worker]);
    }
  }

  private void contract(int worker, int workers) {
    multiply(layer.down, 0, layer.down.rows(), 0, worker, workers);
  }

  private void multiply(
      Tensor matrix, int firstRow, int count, int outOffset, int worker, int workers) {
    int from = firstRow + cut(count, worker, workers);
    int to = firstRow + cut(count, worker + 1, workers);
    if (from < to) {
      kernels.matmul(
          matrix, from, to, x, 0, xStride, rows, out, outOffset, outStride, scratch[worker]);
    }
  }

  private static int cut(int rows, int worker, int workers) {
    long units = (rows + ROW_UNIT - 1) / ROW_UNIT;
    return (int) Math.min(rows, units * worker / workers * ROW_UNIT);
  }

  private int first(int worker, int workers) {
    return (int) ((long) rows * worker / workers);
  }

  @Override
  public void close() {
    team.close();
    memory.close();
  }
}
