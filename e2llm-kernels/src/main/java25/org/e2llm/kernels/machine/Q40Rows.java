package org.e2llm.kernels.machine;

import static org.e2llm.kernels.machine.Operand.Register.RAX;
import static org.e2llm.kernels.machine.Operand.Register.RCX;
import static org.e2llm.kernels.machine.Operand.xmm;
import static org.e2llm.kernels.machine.Operand.zmm;

import org.e2llm.kernels.machine.Operand.Label;
import org.e2llm.kernels.machine.Operand.Memory;
import org.e2llm.kernels.machine.Operand.Vector;

/**
 * Q4_0: a half d, then 16 bytes with weight j in the low and weight j + 16 in the high half of byte
 * j; a weight is {@code fma(d, q, -8 d)}.
 *
 * <p>The 16 weights that a nibble can stand for are computed once per block and looked up by a
 * permutation, which takes the place of a mask, a conversion and an FMA per group. The permutation
 * and shift ports of a Zen 4 are what limits this. So scales keep out of their way: the halves of
 * four rows are put together in general registers, converted together, and come back to all lanes
 * through memory, by load ports alone. In C that made 25 Gweights/s per core from the L2 cache,
 * 20.5 where each scale was converted and broadcast in registers, 23 where nibbles were converted.
 */
final class Q40Rows extends RowKernel {
  private static final Vector NIBBLES = zmm(31);
  private static final Vector MINUS_8 = xmm(30);
  private static final Memory D = Memory.at(WORK, 0);
  private static final Memory ZERO_POINT = Memory.at(WORK, 16);

  private final Label nibbles = new Label();
  private final Label minus8 = new Label();

  Q40Rows() {
    super(32, 18, 2, 4, 30);
  }

  @Override
  void prepare(Assembler a) {
    a.vmovups(NIBBLES, Memory.at(nibbles));
    a.vpbroadcastd(MINUS_8, Memory.at(minus8));
  }

  @Override
  void block(Assembler a, Use use) {
    Vector d = use.temp(0).xmm();
    Vector zeroPoint = use.temp(1).xmm();
    Halves.ofFourRows(a, RAX, RCX, 0, d);
    a.vmulps(zeroPoint, d, MINUS_8);
    a.vmovups(D, d);
    a.vmovups(ZERO_POINT, zeroPoint);
    use.load(a, 0, 0);
    use.load(a, 1, 16);
    for (int k = 0; k < ROWS; k++) {
      Vector table = use.temp(2 + 4 * k);
      Vector q = use.temp(3 + 4 * k);
      Vector low = use.temp(4 + 4 * k);
      Vector high = use.temp(5 + 4 * k);
      a.vpbroadcastd(table, D.plus(4 * k));
      a.vfmadd213ps(table, NIBBLES, ZERO_POINT.plus(4 * k).toAllLanes());
      a.vpmovzxbd(q, weights(k, 2));
      a.vpermps(low, q, table);
      use.take(a, k, 0, 0, low);
      a.vpsrld(q, q, 4);
      a.vpermps(high, q, table);
      use.take(a, k, 1, 16, high);
    }
  }

  @Override
  void constants(Assembler a) {
    a.floats(nibbles, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    a.floats(minus8, -8);
  }
}
