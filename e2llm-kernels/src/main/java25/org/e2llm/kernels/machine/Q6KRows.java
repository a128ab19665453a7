package org.e2llm.kernels.machine;

import static org.e2llm.kernels.machine.Operand.Register.RAX;
import static org.e2llm.kernels.machine.Operand.Register.RCX;
import static org.e2llm.kernels.machine.Operand.zmm;

import org.e2llm.kernels.machine.Operand.Label;
import org.e2llm.kernels.machine.Operand.Memory;
import org.e2llm.kernels.machine.Operand.Vector;

/**
 * Q6_K: 128 bytes with the low four bits, 64 with the high two, 16 signed scales s, a half d. A
 * weight is {@code fma(d s, q, -32 d s)} with q from 0 to 63: as d s has 18 bits, that is the exact
 * product of d s and q - 32, +0 where one of them is zero of either sign, NaN where d is no finite
 * number. All of this is {@code fma(q - 32, d s, z)} with z = +0, or NaN.
 *
 * <p>Quants become bytes by masks, 64 in a register, and are widened on their way back from the
 * working memory; a whole block first, as a load so soon after the store would wait. A scale is an
 * operand that a load brings to all lanes: a second such load per group, as {@code -32 d s} would
 * be, cost a tenth of the speed.
 */
final class Q6KRows extends RowKernel {
  private static final int HIGH = 128;
  private static final int SCALES = 192;
  private static final int D = 208;

  // Working memory: d of four rows, factors d s of row k, quants of row k.
  private static final Memory DS = Memory.at(WORK, 0);
  private static final Memory FACTORS = Memory.at(WORK, 64);
  private static final Memory QUANTS = Memory.at(WORK, 320);

  private static final Vector LOW_4 = zmm(31);
  private static final Vector BITS_4_5 = zmm(30);
  private static final Vector LEFT = zmm(29);
  private static final Vector RIGHT = zmm(28);
  private static final Vector ZERO_POINT = zmm(27);
  private static final Vector ZERO = zmm(26);
  private static final int OR_AND = 0xf8; // to | a & b

  private final Label low4 = new Label();
  private final Label bits45 = new Label();
  private final Label left = new Label();
  private final Label right = new Label();
  private final Label zeroPoint = new Label();

  Q6KRows() {
    super(256, 210, 1, 4, 22);
  }

  @Override
  void prepare(Assembler a) {
    a.vpbroadcastd(LOW_4, Memory.at(low4));
    a.vpbroadcastd(BITS_4_5, Memory.at(bits45));
    a.vmovups(LEFT, Memory.at(left));
    a.vmovups(RIGHT, Memory.at(right));
    a.vpbroadcastd(ZERO_POINT, Memory.at(zeroPoint));
    a.vpxord(ZERO, ZERO, ZERO);
  }

  @Override
  void block(Assembler a, Use use) {
    Vector d = use.temp(0).xmm();
    Halves.ofFourRows(a, RAX, RCX, D, d);
    a.vmovups(DS, d);
    for (int k = 0; k < ROWS; k++) {
      Vector factors = use.temp(1 + k);
      a.vpmovsxbd(factors, weights(k, SCALES));
      a.vcvtdq2ps(factors, factors);
      a.vmulps(factors, factors, DS.plus(4 * k).toAllLanes());
      a.vmovups(FACTORS.plus(64 * k), factors);
      a.vpbroadcastd(zero(k), DS.plus(4 * k));
      a.vfmadd213ps(zero(k), ZERO, ZERO);
    }
    for (int half = 0; half < 2; half++) {
      for (int k = 0; k < ROWS; k++) {
        unpack(a, use, k, half);
      }
    }
    for (int group = 0; group < 16; group++) {
      use.load(a, 0, 16 * group);
      for (int k = 0; k < ROWS; k++) {
        group(a, use, k, group);
      }
    }
  }

  /**
   * 128 quants of row k as bytes: weights 0 to 63 have their low bits in the low halves of 64
   * bytes, 64 to 127 in the high halves. Bits 2j and 2j + 1 of 32 bytes belong to the j-th 32
   * weights.
   */
  private static void unpack(Assembler a, Use use, int k, int half) {
    Vector low = use.temp(1 + 4 * k);
    Vector next = use.temp(2 + 4 * k);
    Vector high = use.temp(3 + 4 * k);
    Vector shifted = use.temp(4 + 4 * k);
    a.vmovups(low, weights(k, 64 * half));
    a.vbroadcasti64x4(high, weights(k, HIGH + 32 * half));
    a.vpsrld(next, low, 4);
    a.vpandd(low, low, LOW_4);
    a.vpandd(next, next, LOW_4);
    a.vpsllvd(shifted, high, LEFT);
    a.vpternlogd(low, shifted, BITS_4_5, OR_AND);
    a.vpsrlvd(shifted, high, RIGHT);
    a.vpternlogd(next, shifted, BITS_4_5, OR_AND);
    a.vpsubb(low, low, ZERO_POINT);
    a.vpsubb(next, next, ZERO_POINT);
    a.vmovups(QUANTS.plus(256 * k + 128 * half), low);
    a.vmovups(QUANTS.plus(256 * k + 128 * half + 64), next);
  }

  /** 16 weights of row k. */
  private static void group(Assembler a, Use use, int k, int group) {
    Vector w = use.temp(k + 4 * (group % 4));
    a.vpmovsxbd(w, QUANTS.plus(256 * k + 16 * group));
    a.vcvtdq2ps(w, w);
    a.vfmadd132ps(w, zero(k), FACTORS.plus(64 * k + 4 * group).toAllLanes());
    use.take(a, k, 0, 16 * group, w);
  }

  /** The z of row k's block. */
  private static Vector zero(int k) {
    return zmm(22 + k);
  }

  @Override
  void constants(Assembler a) {
    a.ints(low4, 0x0f0f0f0f);
    a.ints(bits45, 0x30303030);
    a.ints(left, 4, 4, 4, 4, 4, 4, 4, 4, 2, 2, 2, 2, 2, 2, 2, 2);
    a.ints(right, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 2, 2, 2, 2, 2, 2);
    a.ints(zeroPoint, 0x20202020);
  }
}
