package org.e2llm.kernels.machine;

import static org.e2llm.kernels.machine.Operand.Register.R10;
import static org.e2llm.kernels.machine.Operand.Register.R11;
import static org.e2llm.kernels.machine.Operand.Register.R12;
import static org.e2llm.kernels.machine.Operand.Register.R13;
import static org.e2llm.kernels.machine.Operand.Register.R8;
import static org.e2llm.kernels.machine.Operand.Register.R9;
import static org.e2llm.kernels.machine.Operand.Register.RAX;
import static org.e2llm.kernels.machine.Operand.Register.RBP;
import static org.e2llm.kernels.machine.Operand.Register.RBX;
import static org.e2llm.kernels.machine.Operand.Register.RCX;
import static org.e2llm.kernels.machine.Operand.Register.RDI;
import static org.e2llm.kernels.machine.Operand.Register.RDX;
import static org.e2llm.kernels.machine.Operand.Register.RSI;
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
 * + offset + k * stride}, k = 0 to 3, by one to four tokens: four streams through memory, each in
 * one piece. Side by side the four would leap with every turn, which leaves the prefetcher of a Zen
 * 4 behind. The 16 partial sums of a row and a token are one register, added as {@link
 * org.e2llm.kernels.math.Kernels} says. So weights become floats once for all tokens, and are never
 * stored.
 *
 * <p>A <i>panel</i> is the same rows, or as many blocks of them, as floats in the working memory:
 * 16 of each row in turn. {@link TileKernel} multiplies it by many tokens.
 */
abstract class RowKernel {
  /** Rows in a turn. */
  static final int ROWS = 4;

  /** The most tokens of a product. */
  static final int TOKENS = 4;

  /** Weights are asked for so many bytes before their turn. */
  private static final int AHEAD = 512;

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

  /** From the activations of a token to those of the next, and of the third after it. */
  private static final Register NEXT = R12;

  private static final Register NEXT_3 = R13;

  /**
   * What becomes of weights; {@code at} is an element of the block. A block may use rax, rcx, rbp,
   * its constants, and {@link #temp}.
   */
  interface Use {
    /**
     * A register that nobody else uses. Where there are few, those with numbers far apart are the
     * same: {@link RowKernel#live} in a row are not.
     */
    Vector temp(int i);

    /**
     * The activations from {@code at} on are used next.
     *
     * @param slot one of {@link RowKernel#slots} that are in use at a time
     */
    void load(Assembler a, int slot, int at);

    /** The 16 weights of row k from {@code at} on are in {@code w}. */
    void take(Assembler a, int k, int slot, int at, Vector w);

    /** Bytes in the working memory that belong to a column. */
    int columnBytes();

    /** Puts the address that belongs to the first column into a register; rax may be lost. */
    void begin(Assembler a, Register to);

    /** What comes before each block. */
    default void beforeBlock(Assembler a) {}
  }

  /** Products with so many tokens: their partial sums come first among the registers. */
  private final class Product implements Use {
    private final int tokens;

    /** Activations in registers behind the sums; 0 if there is no room for all slots. */
    private final int held;

    Product(int tokens) {
      this.tokens = tokens;
      int wanted = slots * tokens;
      this.held = ROWS * tokens + wanted + live <= constants ? wanted : 0;
    }

    /** Partial sums of row k. */
    Vector sum(int token, int k) {
      return zmm(ROWS * token + k);
    }

    private Vector x(int token, int slot) {
      return zmm(ROWS * tokens + tokens * slot + token);
    }

    @Override
    public Vector temp(int i) {
      return RowKernel.this.temp(ROWS * tokens + held, i);
    }

    @Override
    public void load(Assembler a, int slot, int at) {
      for (int token = 0; token < tokens && held > 0; token++) {
        a.vmovups(x(token, slot), activations(token, at));
      }
    }

    @Override
    public void take(Assembler a, int k, int slot, int at, Vector w) {
      for (int token = 0; token < tokens; token++) {
        a.vfmadd231ps(sum(token, k), w, held > 0 ? x(token, slot) : activations(token, at));
      }
    }

    private Memory activations(int token, int at) {
      int bytes = columnBytes() * at;
      return switch (token) {
        case 0 -> Memory.at(X, bytes);
        case 1 -> Memory.at(X, NEXT, 1, bytes);
        case 2 -> Memory.at(X, NEXT, 2, bytes);
        default -> Memory.at(X, NEXT_3, 1, bytes);
      };
    }

    @Override
    public int columnBytes() {
      return 4;
    }

    @Override
    public void begin(Assembler a, Register to) {
      a.mov(to, Memory.at(WORK, Work.TOKENS_AT));
    }

    /**
     * The more is done with a weight, the less far ahead a CPU sees by itself. With two tokens that
     * made products a tenth faster on a Zen 4, with one it could not be told from noise.
     */
    @Override
    public void beforeBlock(Assembler a) {
      for (int k = 0; k < ROWS && tokens > 1; k++) {
        for (int at = 0; at < blockBytes; at += 64) {
          a.prefetcht0(weights(k, at + AHEAD));
        }
      }
    }
  }

  private final class Panel implements Use {
    @Override
    public Vector temp(int i) {
      return RowKernel.this.temp(0, i);
    }

    @Override
    public void load(Assembler a, int slot, int at) {}

    @Override
    public void take(Assembler a, int k, int slot, int at, Vector w) {
      a.vmovups(Memory.at(X, columnBytes() * at + 64 * k), w);
    }

    @Override
    public int columnBytes() {
      return 4 * ROWS;
    }

    @Override
    public void begin(Assembler a, Register to) {
      a.lea(to, Memory.at(WORK, Work.X));
    }
  }

  /** Weights of a block. */
  final int blockColumns;

  /** Bytes of a block. */
  final int blockBytes;

  /** Groups of 16 columns whose activations are needed at the same time. */
  private final int slots;

  /** Temporary registers that are in use at the same time. */
  private final int live;

  /** The first vector register that {@link #prepare} fills; those above are taken. */
  private final int constants;

  RowKernel(int blockColumns, int blockBytes, int slots, int live, int constants) {
    this.blockColumns = blockColumns;
    this.blockBytes = blockBytes;
    this.slots = slots;
    this.live = live;
    this.constants = constants;
  }

  private Vector temp(int first, int i) {
    return zmm(first + i % (constants - first));
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

  /**
   * Writes the function that multiplies by so many tokens; it starts where the assembler stands.
   */
  final void emitProduct(Assembler a, int tokens) {
    Product use = new Product(tokens);
    Label turn = new Label();
    begin(a, use);
    a.mov(NEXT, Memory.at(WORK, Work.TOKENS_APART));
    a.lea(NEXT_3, Memory.at(NEXT, NEXT, 2, 0));
    a.lea(OUT, Memory.at(WORK, Work.OUT));
    a.align(32);
    a.place(turn);
    for (int sum = 0; sum < ROWS * tokens; sum++) {
      a.vpxord(zmm(sum), zmm(sum), zmm(sum));
    }
    blocks(a, use);
    for (int token = 0; token < tokens; token++) {
      for (int k = 0; k < ROWS; k++) {
        Vector sum = use.sum(token, k);
        tree(a, sum, use.temp(0));
        a.vmovss(Memory.at(OUT, Work.products(token, k)), sum.xmm());
      }
    }
    a.add(OUT, 4);
    a.dec(TURNS);
    a.jumpIfNotEqual(turn);
    end(a);
  }

  /** Writes the function that fills the panel, likewise. */
  final void emitPanel(Assembler a) {
    Use use = new Panel();
    begin(a, use);
    blocks(a, use);
    end(a);
  }

  private void begin(Assembler a, Use use) {
    a.push(RBX);
    a.push(RBP);
    a.push(R12);
    a.push(R13);
    a.add(WEIGHTS, RSI);
    a.lea(STRIDE_3, Memory.at(STRIDE, STRIDE, 2, 0));
    a.imul(X_END, RCX, use.columnBytes() * blockColumns);
    use.begin(a, RAX);
    a.add(X_END, RAX);
    prepare(a);
  }

  private void blocks(Assembler a, Use use) {
    Label block = new Label();
    use.begin(a, X);
    a.align(32);
    a.place(block);
    use.beforeBlock(a);
    block(a, use);
    a.add(WEIGHTS, blockBytes);
    a.add(X, use.columnBytes() * blockColumns);
    a.cmp(X, X_END);
    a.jumpIfNotEqual(block);
  }

  private static void end(Assembler a) {
    a.vzeroupper();
    a.pop(R13);
    a.pop(R12);
    a.pop(RBP);
    a.pop(RBX);
    a.ret();
  }

  /** The 16 floats of a register, added in the canonical order, in its lowest lane. */
  static void tree(Assembler a, Vector sum, Vector other) {
    a.vextractf64x4(other.ymm(), sum, 1);
    a.vaddps(sum.ymm(), sum.ymm(), other.ymm()); // j + (j + 8)
    a.vextractf32x4(other.xmm(), sum.ymm(), 1);
    a.vaddps(sum.xmm(), sum.xmm(), other.xmm()); // j + (j + 4)
    a.vmovhlps(other.xmm(), sum.xmm(), sum.xmm());
    a.vaddps(sum.xmm(), sum.xmm(), other.xmm()); // 0 + 2, 1 + 3
    a.vmovshdup(other.xmm(), sum.xmm());
    a.vaddss(sum.xmm(), sum.xmm(), other.xmm()); // 0 + 1
  }
}
