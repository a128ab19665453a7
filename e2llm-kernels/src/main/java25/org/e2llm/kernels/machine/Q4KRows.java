package org.e2llm.kernels.machine;

import static org.e2llm.kernels.machine.Operand.Register.RAX;
import static org.e2llm.kernels.machine.Operand.Register.RBP;
import static org.e2llm.kernels.machine.Operand.Register.RCX;
import static org.e2llm.kernels.machine.Operand.zmm;

import org.e2llm.kernels.machine.Operand.Label;
import org.e2llm.kernels.machine.Operand.Memory;
import org.e2llm.kernels.machine.Operand.Vector;

/**
 * Q4_K: halves d and dmin, twelve bytes of scales s and minimums m of six bits, 128 bytes of
 * quants: 32 of them have one sub-block of 32 weights in their low halves and the next in their
 * high halves. A weight is {@code fma(d s, q, -(dmin m))}.
 *
 * <p>Tables as in {@link Q40Rows}, one per sub-block.
 */
final class Q4KRows extends RowKernel {
  private static final Vector NIBBLES = zmm(31);
  private static final Vector PAIR = zmm(30).ymm();
  private static final int QUANTS = 16;

  private final Label nibbles = new Label();
  private final Label pair = new Label();
  private final Label six = new Label();
  private final Label four = new Label();
  private final Label fifthAndSixth = new Label();

  Q4KRows() {
    super(256, 144, 4, 6, 30);
  }

  @Override
  void prepare(Assembler a) {
    a.vmovups(NIBBLES, Memory.at(nibbles));
    a.vmovups(PAIR, Memory.at(pair));
  }

  @Override
  void block(Assembler a, Use use) {
    for (int k = 0; k < ROWS; k++) {
      scales(a, use, k);
    }
    for (int pair = 0; pair < 4; pair++) {
      for (int i = 0; i < 4; i++) {
        use.load(a, i, 64 * pair + 16 * i);
      }
      for (int k = 0; k < ROWS; k++) {
        subBlocks(a, use, k, pair);
      }
    }
  }

  /**
   * The scales and minimums of a block, as floats, in the working memory: scales 0 to 3, minimums 0
   * to 3, scales 4 to 7, minimums 4 to 7. Bits are put together in general registers, whose ports
   * are idle here, eight bytes at once: the first four of each lie in the low six bits of bytes 0
   * to 7, the others have their low four bits in bytes 8 to 11 and their high two above the first.
   */
  private void scales(Assembler a, Use use, int k) {
    Vector first = use.temp(3 * k);
    Vector second = use.temp(1 + 3 * k);
    Vector factors = use.temp(2 + 3 * k);
    a.mov(RAX, weights(k, 4));
    a.mov32(RCX, weights(k, 12));
    a.mov(RBP, RCX);
    a.shl(RBP, 28);
    a.or(RCX, RBP);
    a.and(RCX, Memory.at(four));
    a.mov(RBP, RAX);
    a.shr(RBP, 2);
    a.and(RBP, Memory.at(fifthAndSixth));
    a.or(RCX, RBP);
    a.and(RAX, Memory.at(six));
    a.vmovq(first.xmm(), RAX);
    a.vmovq(second.xmm(), RCX);
    a.vcvtph2ps(factors.xmm(), weights(k, 0));
    a.vpermps(factors.ymm(), PAIR, factors.ymm());
    for (Vector half : new Vector[] {first, second}) {
      a.vpmovzxbd(half.ymm(), half.xmm());
      a.vcvtdq2ps(half.ymm(), half.ymm());
      a.vmulps(half.ymm(), half.ymm(), factors.ymm());
      a.vmovups(Memory.at(WORK, 64 * k + (half == first ? 0 : 32)), half.ymm());
    }
  }

  private static Memory scale(int k, int subBlock) {
    return Memory.at(WORK, 64 * k + 32 * (subBlock / 4) + 4 * (subBlock % 4));
  }

  private static Memory minimum(int k, int subBlock) {
    return scale(k, subBlock).plus(16);
  }

  /** Two sub-blocks of row k, 64 weights in 32 bytes. */
  private static void subBlocks(Assembler a, Use use, int k, int pair) {
    Vector low = use.temp(6 * (k % 3));
    Vector high = use.temp(1 + 6 * (k % 3));
    Vector q0 = use.temp(2 + 6 * (k % 3));
    Vector q1 = use.temp(3 + 6 * (k % 3));
    Vector w0 = use.temp(4 + 6 * (k % 3));
    Vector w1 = use.temp(5 + 6 * (k % 3));
    a.vpbroadcastd(low, scale(k, 2 * pair));
    a.vfmsub213ps(low, NIBBLES, minimum(k, 2 * pair).toAllLanes());
    a.vpbroadcastd(high, scale(k, 2 * pair + 1));
    a.vfmsub213ps(high, NIBBLES, minimum(k, 2 * pair + 1).toAllLanes());
    a.vpmovzxbd(q0, weights(k, QUANTS + 32 * pair));
    a.vpmovzxbd(q1, weights(k, QUANTS + 32 * pair + 16));
    a.vpermps(w0, q0, low);
    a.vpermps(w1, q1, low);
    use.take(a, k, 0, 64 * pair, w0);
    a.vpsrld(q0, q0, 4);
    use.take(a, k, 1, 64 * pair + 16, w1);
    a.vpsrld(q1, q1, 4);
    a.vpermps(w0, q0, high);
    a.vpermps(w1, q1, high);
    use.take(a, k, 2, 64 * pair + 32, w0);
    use.take(a, k, 3, 64 * pair + 48, w1);
  }

  @Override
  void constants(Assembler a) {
    a.floats(nibbles, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    a.ints(pair, 0, 0, 0, 0, 1, 1, 1, 1);
    a.ints(six, 0x3f3f3f3f, 0x3f3f3f3f);
    a.ints(four, 0x0f0f0f0f, 0x0f0f0f0f);
    a.ints(fifthAndSixth, 0x30303030, 0x30303030);
  }
}
