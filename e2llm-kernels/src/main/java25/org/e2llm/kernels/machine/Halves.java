package org.e2llm.kernels.machine;

import org.e2llm.kernels.machine.Operand.Register;
import org.e2llm.kernels.machine.Operand.Vector;

/** Scales that a file holds as halves. */
final class Halves {
  private Halves() {}

  /**
   * The halves at one place of the block of each of the four rows, as floats in the lanes of {@code
   * to}; put together in general registers, whose ports are idle here.
   */
  static void ofFourRows(Assembler a, Register all, Register one, int at, Vector to) {
    a.movzx16(all, RowKernel.weights(0, at));
    for (int k = 1; k < RowKernel.ROWS; k++) {
      a.movzx16(one, RowKernel.weights(k, at));
      a.shl(one, 16 * k);
      a.or(all, one);
    }
    a.vmovq(to, all);
    a.vcvtph2ps(to, to);
  }
}
