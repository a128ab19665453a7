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
 * Four rows of a matrix at a time: what all weight types have in common. A type adds how the
 * weights of a block become floats, 16 at a time, as operands that are used where they are; for
 * what they are used is another matter, see {@link Use}.
 *
 * <p>Functions, in the System V calling convention:
 *
 * <pre>
 *   rdi  weights        rcx  blocks of a row, at least 1
 *   rsi  offset         r8   turns, at least 1; of products only
 *   rdx  stride         r9   working memory, see {@link Work}
 * </pre>
 *
 * <p>Turn t of a <i>product</i> multiplies the rows that begin {@code t} rows behind {@code weights
 * + offset + k * stride}, k = 0 to 3, by one token: four streams through memory, each in one piece.
 * Side by side the four would leap with every turn, which leaves the prefetcher of a Zen 4 behind.
 * Each row's 16 partial sums are one register, added as {@link org.e2llm.kernels.math.Kernels}
 * says.
 *
 * <p>A <i>panel</i> is the same rows, or as many blocks of them, as floats in the working memory:
 * 16 of each row in turn. {@link TileKernel} multiplies it by many tokens.
 */
abstract class RowKernel {
  /** Rows in a turn. */
  static final int ROWS = 4;

  // While the loops run:
  /** The block of row 0; row k lies {@code k * STRIDE} further. */
  static final Register WEIGHTS = RDI;

  static final Register STRIDE = RDX;
  private static final Register STRIDE_3 = R10;

  /** The 16 floats of x that the block begins with, or its place in the panel. */
  private static final Register X = RSI;

  private static final Register X_END = R11;
  private static final Register TURNS = R8;
  private static final Register OUT = RBX;

  /** {@link Work}. */
  static final Register WORK = R9;

  // A block may use rax, rcx, rbp and all vector registers but the first four.
  private static final Vector[] SUMS = {zmm(0), zmm(1), zmm(2), zmm(3)};

  /** What becomes of weights; {@code at} is an element of the block. */
  interface Use {
    Use PRODUCT = new Product();
    Use PANEL = new Panel();

    /** Fills x with the activations from {@code at} on, if they are needed. */
    void load(Assembler a, Vector x, int at);

    /** The 16 weights of row k from {@code at} on are in {@code w}. */
    void take(Assembler a, int k, int at, Vector w, Vector x);

    /** Bytes in the working memory that belong to a column. */
    int columnBytes();
  }

  private record Product() implements Use {
    @Override
    public void load(Assembler a, Vector x, int at) {
      a.vmovups(x, Memory.at(X, columnBytes() * at));
    }

    @Override
    public void take(Assembler a, int k, int at, Vector w, Vector x) {
      a.vfmadd231ps(SUMS[k], w, x);
    }

    @Override
    public int columnBytes() {
      return 4;
    }
  }

  private record Panel() implements Use {
    @Override
    public void load(Assembler a, Vector x, int at) {}

    @Override
    public void take(Assembler a, int k, int at, Vector w, Vector x) {
      a.vmovups(Memory.at(X, columnBytes() * at + 64 * k), w);
    }

    @Override
    public int columnBytes() {
      return 4 * ROWS;
    }
  }

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
  abstract void block(Assembler a, Use use);

  /** Writes what {@link #prepare} and {@link #block} read from labels, behind both functions. */
  abstract void constants(Assembler a);

  /** A byte of row k's block. */
  static Memory weights(int k, int at) {
    return switch (k) {
      case 0 -> Memory.at(WEIGHTS, at);
      case 1 -> Memory.at(WEIGHTS, STRIDE, 1, at);
      case 2 -> Memory.at(WEIGHTS, STRIDE, 2, at);
      default -> Memory.at(WEIGHTS, STRIDE_3, 1, at);
    };
  }

  /** Writes the function that multiplies; it starts where the assembler stands. */
  final void emitProduct(Assembler a) {
    Label turn = new Label();
    begin(a, Use.PRODUCT);
    a.lea(OUT, Memory.at(WORK, Work.OUT));
    a.align(32);
    a.place(turn);
    for (Vector sum : SUMS) {
      a.vpxord(sum, sum, sum);
    }
    blocks(a, Use.PRODUCT);
    for (int k = 0; k < ROWS; k++) {
      tree(a, SUMS[k]);
      a.vmovss(Memory.at(OUT, 4 * k * Work.TURNS), SUMS[k].xmm());
    }
    a.add(OUT, 4);
    a.dec(TURNS);
    a.jumpIfNotEqual(turn);
    end(a);
  }

  /** Writes the function that fills the panel, likewise. */
  final void emitPanel(Assembler a) {
    begin(a, Use.PANEL);
    blocks(a, Use.PANEL);
    end(a);
  }

  private void begin(Assembler a, Use use) {
    a.push(RBX);
    a.push(RBP);
    a.add(WEIGHTS, RSI);
    a.lea(STRIDE_3, Memory.at(STRIDE, STRIDE, 2, 0));
    a.imul(X_END, RCX, use.columnBytes() * blockColumns);
    a.lea(X_END, Memory.at(X_END, WORK, 1, Work.X));
    prepare(a);
  }

  private void blocks(Assembler a, Use use) {
    Label block = new Label();
    a.lea(X, Memory.at(WORK, Work.X));
    a.align(32);
    a.place(block);
    block(a, use);
    a.add(WEIGHTS, blockBytes);
    a.add(X, use.columnBytes() * blockColumns);
    a.cmp(X, X_END);
    a.jumpIfNotEqual(block);
  }

  private static void end(Assembler a) {
    a.vzeroupper();
    a.pop(RBP);
    a.pop(RBX);
    a.ret();
  }

  /**
   * The 16 floats of a register, added in the canonical order, in its lowest lane; zmm4 is lost.
   */
  static void tree(Assembler a, Vector sum) {
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
