package org.e2llm.kernels.machine;

import static org.e2llm.kernels.machine.Operand.Register.R10;
import static org.e2llm.kernels.machine.Operand.Register.R11;
import static org.e2llm.kernels.machine.Operand.Register.R8;
import static org.e2llm.kernels.machine.Operand.Register.R9;
import static org.e2llm.kernels.machine.Operand.Register.RBP;
import static org.e2llm.kernels.machine.Operand.Register.RBX;
import static org.e2llm.kernels.machine.Operand.Register.RCX;
import static org.e2llm.kernels.machine.Operand.Register.RDI;
import static org.e2llm.kernels.machine.Operand.Register.RDX;
import static org.e2llm.kernels.machine.Operand.Register.RSI;
import static org.e2llm.kernels.machine.Operand.xmm;
import static org.e2llm.kernels.machine.Operand.zmm;

import org.e2llm.kernels.machine.Operand.Label;
import org.e2llm.kernels.machine.Operand.Memory;
import org.e2llm.kernels.machine.Operand.Register;
import org.e2llm.kernels.machine.Operand.Vector;

/**
 * Rows of a matrix times one token, four at a time: what all weight types have in common. A type
 * adds what one block of four rows takes.
 *
 * <p>The function, in the System V calling convention:
 *
 * <pre>
 *   rdi  weights        rcx  blocks of a row, at least 1
 *   rsi  offset         r8   turns, at least 1
 *   rdx  stride         r9   working memory, see {@link Work}
 * </pre>
 *
 * Turn t multiplies the rows that begin {@code t} rows behind {@code weights + offset + k *
 * stride}, k = 0 to 3: four streams through memory, each in one piece. Side by side the four would
 * leap with every turn, which leaves the prefetcher of a Zen 4 behind. Each row's 16 partial sums
 * are one register, added as {@link org.e2llm.kernels.math.Kernels} says.
 */
abstract class RowKernel {
  /** Rows in a turn. */
  static final int ROWS = 4;

  // While the loops run:
  /** The block of row 0; row k lies {@code k * STRIDE} further. */
  static final Register WEIGHTS = RDI;

  static final Register STRIDE = RDX;
  private static final Register STRIDE_3 = R10;

  /** The 16 floats of x that the block begins with. */
  static final Register X = RSI;

  private static final Register X_END = R11;
  private static final Register TURNS = R8;
  private static final Register OUT = RBX;

  /** {@link Work}. */
  static final Register WORK = R9;

  // A block may use rax, rcx, rbp and all vector registers but the first four.
  private static final Vector[] SUMS = {zmm(0), zmm(1), zmm(2), zmm(3)};

  /** Weights of a block. */
  final int blockColumns;

  /** Bytes of a block. */
  final int blockBytes;

  RowKernel(int blockColumns, int blockBytes) {
    this.blockColumns = blockColumns;
    this.blockBytes = blockBytes;
  }

  /** Fills registers that stay the same in all blocks. */
  abstract void prepare(Assembler a);

  /** One block of the four rows. */
  abstract void block(Assembler a);

  /** What {@link #prepare} and {@link #block} read from labels. */
  abstract void constants(Assembler a);

  /** The partial sums of row k. */
  static Vector sums(int k) {
    return SUMS[k];
  }

  /** A byte of row k's block. */
  static Memory weights(int k, int at) {
    return switch (k) {
      case 0 -> Memory.at(WEIGHTS, at);
      case 1 -> Memory.at(WEIGHTS, STRIDE, 1, at);
      case 2 -> Memory.at(WEIGHTS, STRIDE, 2, at);
      default -> Memory.at(WEIGHTS, STRIDE_3, 1, at);
    };
  }

  /** The activations of the block, from element {@code at} on. */
  static Memory x(int at) {
    return Memory.at(X, 4 * at);
  }

  /** Writes the function; it starts where the assembler stands. */
  final void emit(Assembler a) {
    Label turn = new Label();
    Label block = new Label();
    a.push(RBX);
    a.push(RBP);
    a.add(WEIGHTS, RSI);
    a.lea(STRIDE_3, Memory.at(STRIDE, STRIDE, 2, 0));
    a.imul(X_END, RCX, 4 * blockColumns);
    a.lea(X_END, Memory.at(X_END, WORK, 1, Work.X));
    a.lea(OUT, Memory.at(WORK, Work.OUT));
    prepare(a);
    a.align(32);
    a.place(turn);
    a.lea(X, Memory.at(WORK, Work.X));
    for (Vector sum : SUMS) {
      a.vpxord(sum, sum, sum);
    }
    a.align(32);
    a.place(block);
    block(a);
    a.add(WEIGHTS, blockBytes);
    a.add(X, 4 * blockColumns);
    a.cmp(X, X_END);
    a.jumpIfNotEqual(block);
    for (int k = 0; k < ROWS; k++) {
      tree(a, SUMS[k]);
      a.vmovss(Memory.at(OUT, 4 * k * Work.TURNS), SUMS[k].xmm());
    }
    a.add(OUT, 4);
    a.dec(TURNS);
    a.jumpIfNotEqual(turn);
    a.vzeroupper();
    a.pop(RBP);
    a.pop(RBX);
    a.ret();
    constants(a);
    a.align(64);
  }

  /** The 16 floats of a register, added in the canonical order, in its lowest lane. */
  private static void tree(Assembler a, Vector sum) {
    Vector other = zmm(4);
    a.vextractf64x4(other.ymm(), sum, 1);
    a.vaddps(sum.ymm(), sum.ymm(), other.ymm()); // j + (j + 8)
    a.vextractf32x4(other.xmm(), sum.ymm(), 1);
    a.vaddps(sum.xmm(), sum.xmm(), other.xmm()); // j + (j + 4)
    a.vmovhlps(other.xmm(), sum.xmm(), sum.xmm());
    a.vaddps(sum.xmm(), sum.xmm(), other.xmm()); // 0 + 2, 1 + 3
    a.vmovshdup(xmm(4), sum.xmm());
    a.vaddss(sum.xmm(), sum.xmm(), other.xmm()); // 0 + 1
  }
}
