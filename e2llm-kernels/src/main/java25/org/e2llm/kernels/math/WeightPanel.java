package org.e2llm.kernels.math;

import static org.e2llm.kernels.math.Lanes.COUNT;

import org.e2llm.model.GgmlType;

/** Fills panels with widened weights, from any kind of tensor. */
final class WeightPanel {
  private WeightPanel() {}

  /**
   * Columns {@code k .. k + depth} of {@code rows} rows from {@code r} on, as a panel of {@link
   * Tile#ROWS}; what lies in the panel's other rows stays.
   *
   * @param depth a multiple of 16; whole blocks
   * @param spareAt {@code depth} floats of {@code work} that may be overwritten
   */
  static void read(Tensor w, int r, int rows, int k, int depth, float[] work, int at, int spareAt) {
    for (int i = 0; i < rows; i++) {
      long row = (r + i) * w.rowBytes() + w.type().bytes(k);
      if (!(w instanceof SegmentTensor tensor)) {
        int offset = w.offset(r + i) + (int) w.type().bytes(k);
        Dequantizer.of(w.type()).dequantize(w.buffer(r + i), offset, depth, work, spareAt);
        Panel.pack(work, spareAt, depth, work, at, Tile.ROWS, i);
      } else if (w.type() == GgmlType.F16) {
        VectorFloatFormats.f16(tensor.segment(), row, depth, work, spareAt);
        Panel.pack(work, spareAt, depth, work, at, Tile.ROWS, i);
      } else {
        SegmentDequantizer.of(w.type())
            .dequantize(
                tensor.segment(),
                row,
                depth,
                work,
                at + i * COUNT,
                Panel.groupStride(Tile.ROWS),
                Panel.stripStride(Tile.ROWS, depth));
      }
    }
  }
}
