package org.e2llm.kernels.machine;

import static org.e2llm.kernels.machine.Operand.zmm;

import org.e2llm.kernels.machine.Operand.Vector;

/** F16: a group of 16 halves is a block. Memory is the limit here. */
final class F16Rows extends RowKernel {
  F16Rows() {
    super(16, 32);
  }

  @Override
  void prepare(Assembler a) {}

  @Override
  void block(Assembler a, Use use) {
    Vector x = zmm(4);
    use.load(a, x, 0);
    for (int k = 0; k < ROWS; k++) {
      a.vcvtph2ps(zmm(5 + k), weights(k, 0));
      use.take(a, k, 0, zmm(5 + k), x);
    }
  }

  @Override
  void constants(Assembler a) {}
}
