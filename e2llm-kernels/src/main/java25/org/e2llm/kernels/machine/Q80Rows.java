package org.e2llm.kernels.machine;

import static org.e2llm.kernels.machine.Operand.Register.RAX;
import static org.e2llm.kernels.machine.Operand.Register.RCX;

import org.e2llm.kernels.machine.Operand.Memory;
import org.e2llm.kernels.machine.Operand.Vector;

/** Q8_0: a half d, then 32 signed bytes; a weight is {@code d q}. Memory is the limit here. */
final class Q80Rows extends RowKernel {
  private static final Memory D = Memory.at(WORK, 0);

  Q80Rows() {
    super(32, 34, 1, 4, 32);
  }

  @Override
  void prepare(Assembler a) {}

  @Override
  void block(Assembler a, Use use) {
    Vector d = use.temp(0).xmm();
    Halves.ofFourRows(a, RAX, RCX, 0, d);
    a.vmovups(D, d);
    for (int group = 0; group < 2; group++) {
      use.load(a, 0, 16 * group);
      for (int k = 0; k < ROWS; k++) {
        Vector w = use.temp(1 + k);
        a.vpmovsxbd(w, weights(k, 2 + 16 * group));
        a.vcvtdq2ps(w, w);
        a.vmulps(w, w, D.plus(4 * k).toAllLanes());
        use.take(a, k, 0, 16 * group, w);
      }
    }
  }

  @Override
  void constants(Assembler a) {}
}
