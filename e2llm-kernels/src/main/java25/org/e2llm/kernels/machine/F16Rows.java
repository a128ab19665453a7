package org.e2llm.kernels.machine;

import org.e2llm.kernels.machine.Operand.Vector;

/** F16: a group of 16 halves is a block. Memory is the limit here. */
final class F16Rows extends RowKernel {
  F16Rows() {
    super(16, 32, 1, 4, 32);
  }

  @Override
  void prepare(Assembler a) {}

  @Override
  void block(Assembler a, Use use) {
    use.load(a, 0, 0);
    for (int k = 0; k < ROWS; k++) {
      Vector w = use.temp(k);
      a.vcvtph2ps(w, weights(k, 0));
      use.take(a, k, 0, 0, w);
    }
  }

  @Override
  void constants(Assembler a) {}
}
