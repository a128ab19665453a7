package org.e2llm.kernels.machine;

import static org.e2llm.kernels.machine.Operand.Register.RAX;
import static org.e2llm.kernels.machine.Operand.Register.RCX;
import static org.e2llm.kernels.machine.Operand.xmm;
import static org.e2llm.kernels.machine.Operand.zmm;

import org.e2llm.kernels.machine.Operand.Memory;
import org.e2llm.kernels.machine.Operand.Vector;

/** Q8_0: a half d, then 32 signed bytes; a weight is {@code d q}. Memory is the limit here. */
final class Q80Rows extends RowKernel {
  private static final Memory D = Memory.at(WORK, 0);

  Q80Rows() {
    super(32, 34);
  }

  @Override
  void prepare(Assembler a) {}

  @Override
  void block(Assembler a, Use use) {
    Halves.ofFourRows(a, RAX, RCX, 0, xmm(4));
    a.vmovups(D, xmm(4));
    for (int group = 0; group < 2; group++) {
      Vector x = zmm(5 + group);
      use.load(a, x, 16 * group);
      for (int k = 0; k < ROWS; k++) {
        Vector w = zmm(8 + 4 * group + k);
        a.vpmovsxbd(w, weights(k, 2 + 16 * group));
        a.vcvtdq2ps(w, w);
        a.vmulps(w, w, D.plus(4 * k).toAllLanes());
        use.take(a, k, 16 * group, w, x);
      }
    }
  }

  @Override
  void constants(Assembler a) {}
}
