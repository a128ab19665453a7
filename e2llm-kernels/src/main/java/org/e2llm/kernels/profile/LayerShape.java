package org.e2llm.kernels.profile;

import org.e2llm.model.GgmlType;
import org.e2llm.model.ModelSpec;

/**
 * What one layer multiplies with: four matrices, as wide as the model's, all of one type.
 *
 * @param type of the weights
 * @param width of the hidden state
 * @param qkvRows rows of queries, keys and values together
 * @param attended inputs of the attention output
 * @param inner width inside the feed-forward network
 */
public record LayerShape(GgmlType type, int width, int qkvRows, int attended, int inner) {
  /** Rows are computed in multiples of this. */
  private static final int ROW_UNIT = 16;

  /** The layers of a model, in the type that most of their bytes are in. */
  public static LayerShape of(ModelSpec spec, GgmlType type) {
    long queries = (long) spec.headCount() * spec.keyLength();
    long keysAndValues = (long) spec.headCountKv() * (spec.keyLength() + spec.valueLength());
    long attended = (long) spec.headCount() * spec.valueLength();
    return new LayerShape(
        type,
        Math.toIntExact(spec.embeddingLength()),
        Math.toIntExact(queries + keysAndValues),
        Math.toIntExact(attended),
        spec.feedForwardLength() > 0 ? spec.feedForwardLength() : 4 * spec.embeddingLength());
  }

  /** Columns have to be whole blocks of the type. */
  int columns(int inputs) {
    int block = type.blockSize();
    return (inputs + block - 1) / block * block;
  }

  /** Rows of a matrix of which a part {@code share} is kept. */
  static int rows(int outputs, double share) {
    int units = (int) Math.ceil(share * outputs / ROW_UNIT);
    return Math.max(1, Math.min(outputs, Math.max(1, units) * ROW_UNIT));
  }

  /** Weight bytes of a layer. */
  long bytes() {
    return qkvRows * type.bytes(columns(width))
        + width * type.bytes(columns(attended))
        + 2L * inner * type.bytes(columns(width))
        + width * type.bytes(columns(inner));
  }
}
