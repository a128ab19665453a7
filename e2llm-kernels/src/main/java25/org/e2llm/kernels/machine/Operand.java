package org.e2llm.kernels.machine;

import org.jspecify.annotations.Nullable;

/** What an instruction works on. */
sealed interface Operand {
  /** A vector register, or its lower half or quarter. */
  record Vector(int number, int bits) implements Operand {
    public Vector {
      if (number < 0 || number > 31) {
        throw new IllegalArgumentException("vector register " + number);
      }
    }

    /** The same register's lower 256 bits. */
    Vector ymm() {
      return new Vector(number, 256);
    }

    /** The same register's lowest 128 bits. */
    Vector xmm() {
      return new Vector(number, 128);
    }
  }

  /** General registers, with the numbers of their encoding. */
  enum Register {
    RAX,
    RCX,
    RDX,
    RBX,
    RSP,
    RBP,
    RSI,
    RDI,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15
  }

  /**
   * {@code [base + index * scale + displacement]}, or a place in the code itself.
   *
   * @param broadcast one float for all lanes
   */
  record Memory(
      @Nullable Register base,
      @Nullable Register index,
      int scale,
      int displacement,
      @Nullable Label label,
      boolean broadcast)
      implements Operand {

    static Memory at(Register base, int displacement) {
      return new Memory(base, null, 1, displacement, null, false);
    }

    static Memory at(Register base, Register index, int scale, int displacement) {
      return new Memory(base, index, scale, displacement, null, false);
    }

    static Memory at(Label label) {
      return new Memory(null, null, 1, 0, label, false);
    }

    Memory plus(int bytes) {
      return new Memory(base, index, scale, displacement + bytes, label, broadcast);
    }

    /** One float of it for all lanes of the vector ({@code {1to16}}). */
    Memory toAllLanes() {
      return new Memory(base, index, scale, displacement, label, true);
    }
  }

  /** A place in the code: where a jump goes, or a constant lies. */
  final class Label {
    int position = -1;
  }

  static Vector zmm(int number) {
    return new Vector(number, 512);
  }

  static Vector xmm(int number) {
    return new Vector(number, 128);
  }
}
