package org.e2llm.kernels.machine;

import static org.e2llm.kernels.machine.Operand.Register.R10;
import static org.e2llm.kernels.machine.Operand.Register.R11;
import static org.e2llm.kernels.machine.Operand.Register.R8;
import static org.e2llm.kernels.machine.Operand.Register.R9;
import static org.e2llm.kernels.machine.Operand.Register.RAX;
import static org.e2llm.kernels.machine.Operand.Register.RCX;
import static org.e2llm.kernels.machine.Operand.Register.RDI;
import static org.e2llm.kernels.machine.Operand.Register.RDX;
import static org.e2llm.kernels.machine.Operand.Register.RSI;
import static org.e2llm.kernels.machine.Operand.zmm;
import static org.e2llm.kernels.machine.RowKernel.ROWS;

import org.e2llm.kernels.machine.Operand.Label;
import org.e2llm.kernels.machine.Operand.Memory;
import org.e2llm.kernels.machine.Operand.Register;
import org.e2llm.kernels.machine.Operand.Vector;

/**
 * A panel of four rows, see {@link RowKernel}, times tokens, a few at a time: their partial sums
 * are all registers, so that every weight and every activation that is loaded serves four
 * multiplications.
 */
final class TileKernel {
  /** Most tokens at a time. */
  static final int TOKENS = 4;

  /** Of the partial sums of a token: 16 floats for each row. */
  static final int SUM_BYTES = 64 * ROWS;

  private TileKernel() {}

  /**
   * Writes a function that adds products to partial sums, for so many tokens at a time.
   *
   * <pre>
   *   rdi  activations of the first token   rcx  times, at least 1
   *   rsi  bytes to the next token's        r8   partial sums, {@link #SUM_BYTES} a token
   *   rdx  bytes of them, at least 64       r9   panel
   * </pre>
   */
  static void emit(Assembler a, int tokens) {
    Register first = RDI;
    Register stride = RSI;
    Register bytes = RDX;
    Register times = RCX;
    Register sums = R8;
    Register panel = RAX;
    Register stride3 = R10;
    Register x = R11;
    Label group = new Label();
    Label column = new Label();
    a.lea(stride3, Memory.at(stride, stride, 2, 0));
    a.place(group);
    a.mov(x, first);
    a.mov(panel, R9);
    for (int t = 0; t < tokens; t++) {
      for (int k = 0; k < ROWS; k++) {
        a.vmovups(sum(t, k), Memory.at(sums, SUM_BYTES * t + 64 * k));
      }
    }
    a.lea(first, Memory.at(first, bytes, 1, 0)); // where x ends
    a.align(32);
    a.place(column);
    for (int k = 0; k < ROWS; k++) {
      a.vmovups(weights(k), Memory.at(panel, 64 * k));
    }
    for (int t = 0; t < tokens; t++) {
      Vector activations = zmm(20 + t);
      a.vmovups(activations, token(x, stride, stride3, t));
      for (int k = 0; k < ROWS; k++) {
        a.vfmadd231ps(sum(t, k), weights(k), activations);
      }
    }
    a.add(panel, 64 * ROWS);
    a.add(x, 64);
    a.cmp(x, first);
    a.jumpIfNotEqual(column);
    for (int t = 0; t < tokens; t++) {
      for (int k = 0; k < ROWS; k++) {
        a.vmovups(Memory.at(sums, SUM_BYTES * t + 64 * k), sum(t, k));
      }
    }
    a.sub(first, bytes);
    for (int t = 0; t < tokens; t++) {
      a.add(first, stride);
    }
    a.add(sums, SUM_BYTES * tokens);
    a.dec(times);
    a.jumpIfNotEqual(group);
    a.vzeroupper();
    a.ret();
  }

  /**
   * Writes a function that adds the partial sums up, which are 0 afterwards.
   *
   * <pre>
   *   rdi  partial sums        rdx  where the first token's products go
   *   rsi  tokens, at least 1  rcx  bytes to those of the next token
   * </pre>
   *
   * Between products of two rows are those of {@link ManyTokens#PANELS} panels.
   */
  static void emitFold(Assembler a) {
    Vector zero = zmm(5);
    Label token = new Label();
    a.vpxord(zero, zero, zero);
    a.align(32);
    a.place(token);
    for (int k = 0; k < ROWS; k++) {
      a.vmovups(zmm(k), Memory.at(RDI, 64 * k));
      a.vmovups(Memory.at(RDI, 64 * k), zero);
      RowKernel.tree(a, zmm(k), zmm(ROWS));
      a.vmovss(Memory.at(RDX, 4 * ManyTokens.PANELS * k), zmm(k).xmm());
    }
    a.add(RDI, SUM_BYTES);
    a.add(RDX, RCX);
    a.dec(RSI);
    a.jumpIfNotEqual(token);
    a.vzeroupper();
    a.ret();
  }

  private static Vector sum(int token, int row) {
    return zmm(ROWS * token + row);
  }

  private static Vector weights(int row) {
    return zmm(16 + row);
  }

  private static Memory token(Register x, Register stride, Register stride3, int t) {
    return switch (t) {
      case 0 -> Memory.at(x, 0);
      case 1 -> Memory.at(x, stride, 1, 0);
      case 2 -> Memory.at(x, stride, 2, 0);
      default -> Memory.at(x, stride3, 1, 0);
    };
  }
}
