package org.e2llm.kernels.machine;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.e2llm.kernels.machine.Operand.Label;
import org.e2llm.kernels.machine.Operand.Memory;
import org.e2llm.kernels.machine.Operand.Register;
import org.e2llm.kernels.machine.Operand.Vector;
import org.jspecify.annotations.Nullable;

/**
 * Writes the x86-64 instructions that the kernels are made of, in the order and with the operands
 * of Intel's assembly language: destination first.
 *
 * <p>Vector instructions are all in the EVEX form of AVX-512 (F, VL), whatever their width, so that
 * there is one encoding: prefix, opcode, ModRM. Source: Intel 64 and IA-32 Architectures Software
 * Developer's Manual, volume 2, sections 2.1 (ModRM, SIB), 2.2.1 (REX), 2.7 (EVEX), and the page of
 * each instruction.
 */
final class Assembler {
  // Opcode maps, and the prefix that was a byte before EVEX.
  private static final int MAP_0F = 1;
  private static final int MAP_0F38 = 2;
  private static final int MAP_0F3A = 3;
  private static final int NONE = 0;
  private static final int P66 = 1;
  private static final int PF3 = 2;

  private final List<Reference> references = new ArrayList<>();
  private byte[] bytes = new byte[1024];
  private int size;

  /** Four bytes that hold the distance from {@code end} to the label. */
  private record Reference(Label label, int at, int end) {}

  /** The code: every label that was used must have been placed. */
  byte[] code() {
    ByteBuffer code = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (Reference reference : references) {
      if (reference.label.position < 0) {
        throw new IllegalStateException("a label was used and never placed");
      }
      code.putInt(reference.at, reference.label.position - reference.end);
    }
    return Arrays.copyOf(bytes, size);
  }

  // ------------------------------------------------------------------ places and constants

  /** Bytes so far. */
  int position() {
    return size;
  }

  void place(Label label) {
    label.position = size;
  }

  /** Goes on at a multiple of {@code bytes}. */
  void align(int bytes) {
    while (size % bytes != 0) {
      nop();
    }
  }

  /** 16 floats for {@link Memory#at(Label)}. */
  void floats(Label label, float... values) {
    align(64);
    place(label);
    for (float value : values) {
      word(Float.floatToRawIntBits(value));
    }
  }

  /** Ints, likewise. */
  void ints(Label label, int... values) {
    align(64);
    place(label);
    for (int value : values) {
      word(value);
    }
  }

  // ------------------------------------------------------------------ vectors: moves

  void vmovups(Vector to, Memory from) {
    evex(MAP_0F, NONE, 0, 0x10, to, null, from, bytesOf(to));
  }

  void vmovups(Memory to, Vector from) {
    evex(MAP_0F, NONE, 0, 0x11, from, null, to, bytesOf(from));
  }

  void vmovss(Memory to, Vector from) {
    evex(MAP_0F, PF3, 0, 0x11, from, null, to, 4);
  }

  /** The 64 bits of a general register. */
  void vmovq(Vector to, Register from) {
    evexRegisters(MAP_0F, P66, 1, 0x6e, to.number(), 0, from.ordinal(), 128);
  }

  /**
   * 32 bits to all lanes. From memory this takes a load port only, unlike vbroadcastss on Zen 4.
   */
  void vpbroadcastd(Vector to, Memory from) {
    evex(MAP_0F38, P66, 0, 0x58, to, null, from, 4);
  }

  /** 32 bytes to both halves. */
  void vbroadcasti64x4(Vector to, Memory from) {
    evex(MAP_0F38, P66, 1, 0x5b, to, null, from, 32);
  }

  void vextractf64x4(Vector to, Vector from, int half) {
    evex(MAP_0F3A, P66, 1, 0x1b, from, null, to, 0);
    emit(half);
  }

  void vextractf32x4(Vector to, Vector from, int quarter) {
    evex(MAP_0F3A, P66, 0, 0x19, new Vector(from.number(), from.bits()), null, to, 0);
    emit(quarter);
  }

  /** The upper two floats of {@code b} below the upper two of {@code a}. */
  void vmovhlps(Vector to, Vector a, Vector b) {
    evex(MAP_0F, NONE, 0, 0x12, to, a, b, 0);
  }

  /** Floats 1, 1, 3, 3. */
  void vmovshdup(Vector to, Vector from) {
    evex(MAP_0F, PF3, 0, 0x16, to, null, from, 0);
  }

  // ------------------------------------------------------------------ vectors: conversions

  /** Bytes to ints, unsigned. */
  void vpmovzxbd(Vector to, Operand from) {
    evex(MAP_0F38, P66, 0, 0x31, to, null, from, bytesOf(to) / 4);
  }

  /** Bytes to ints, signed. */
  void vpmovsxbd(Vector to, Operand from) {
    evex(MAP_0F38, P66, 0, 0x21, to, null, from, bytesOf(to) / 4);
  }

  /** Shorts to ints, unsigned. */
  void vpmovzxwd(Vector to, Operand from) {
    evex(MAP_0F38, P66, 0, 0x33, to, null, from, bytesOf(to) / 2);
  }

  /** Halves to floats; NaN becomes quiet, subnormals are exact whatever the mode. */
  void vcvtph2ps(Vector to, Operand from) {
    evex(MAP_0F38, P66, 0, 0x13, to, null, from, bytesOf(to) / 2);
  }

  /** Ints to floats. */
  void vcvtdq2ps(Vector to, Operand from) {
    evex(MAP_0F, NONE, 0, 0x5b, to, null, from, bytesOf(to));
  }

  // ------------------------------------------------------------------ vectors: floats

  void vaddps(Vector to, Vector a, Operand b) {
    evex(MAP_0F, NONE, 0, 0x58, to, a, b, bytesOf(to));
  }

  void vaddss(Vector to, Vector a, Vector b) {
    evex(MAP_0F, PF3, 0, 0x58, to, a, b, 4);
  }

  void vmulps(Vector to, Vector a, Operand b) {
    evex(MAP_0F, NONE, 0, 0x59, to, a, b, bytesOf(to));
  }

  /** {@code to = to * b + a}, rounded once. */
  void vfmadd132ps(Vector to, Vector a, Operand b) {
    evex(MAP_0F38, P66, 0, 0x98, to, a, b, bytesOf(to));
  }

  /** {@code to = a * to + b}, rounded once. */
  void vfmadd213ps(Vector to, Vector a, Operand b) {
    evex(MAP_0F38, P66, 0, 0xa8, to, a, b, bytesOf(to));
  }

  /** {@code to = a * to - b}, rounded once. */
  void vfmsub213ps(Vector to, Vector a, Operand b) {
    evex(MAP_0F38, P66, 0, 0xaa, to, a, b, bytesOf(to));
  }

  /** {@code to = a * b + to}, rounded once. */
  void vfmadd231ps(Vector to, Vector a, Operand b) {
    evex(MAP_0F38, P66, 0, 0xb8, to, a, b, bytesOf(to));
  }

  // ------------------------------------------------------------------ vectors: bits

  /** {@code to[i] = table[index[i] mod 16]}: the upper bits of an index are ignored. */
  void vpermps(Vector to, Vector index, Operand table) {
    evex(MAP_0F38, P66, 0, 0x16, to, index, table, bytesOf(to));
  }

  /** {@code to = a - b}, by bytes. */
  void vpsubb(Vector to, Vector a, Operand b) {
    evex(MAP_0F, P66, 0, 0xf8, to, a, b, bytesOf(to));
  }

  void vpandd(Vector to, Vector a, Operand b) {
    evex(MAP_0F, P66, 0, 0xdb, to, a, b, bytesOf(to));
  }

  void vpxord(Vector to, Vector a, Operand b) {
    evex(MAP_0F, P66, 0, 0xef, to, a, b, bytesOf(to));
  }

  /**
   * Any function of three bits.
   *
   * @param truth bit {@code 4 to + 2 a + b} is the result
   */
  void vpternlogd(Vector to, Vector a, Operand b, int truth) {
    evex(MAP_0F3A, P66, 0, 0x25, to, a, b, bytesOf(to));
    emit(truth);
  }

  /** Ints to the right, zeros behind. */
  void vpsrld(Vector to, Vector from, int by) {
    evexRegisters(MAP_0F, P66, 0, 0x72, 2, to.number(), from.number(), to.bits());
    emit(by);
  }

  /** Each int to the left by its own count. */
  void vpsllvd(Vector to, Vector from, Operand by) {
    evex(MAP_0F38, P66, 0, 0x47, to, from, by, bytesOf(to));
  }

  /** Each int to the right by its own count. */
  void vpsrlvd(Vector to, Vector from, Operand by) {
    evex(MAP_0F38, P66, 0, 0x45, to, from, by, bytesOf(to));
  }

  /** Before code that does not know of wide vectors goes on. */
  void vzeroupper() {
    emit(0xc5, 0xf8, 0x77);
  }

  // ------------------------------------------------------------------ general registers

  void mov(Register to, Register from) {
    rexRegisters(1, 0x8b, to.ordinal(), from.ordinal());
  }

  void mov(Register to, Memory from) {
    rexMemory(1, to, from, 0x8b);
  }

  /** 32 bits; the upper half becomes zero. */
  void mov32(Register to, Memory from) {
    rexMemory(0, to, from, 0x8b);
  }

  void mov32(Memory to, Register from) {
    rexMemory(0, from, to, 0x89);
  }

  /** 16 bits; the rest becomes zero. */
  void movzx16(Register to, Memory from) {
    rexMemory(0, to, from, 0x0f, 0xb7);
  }

  void lea(Register to, Memory address) {
    rexMemory(1, to, address, 0x8d);
  }

  void add(Register to, Register from) {
    rexRegisters(1, 0x03, to.ordinal(), from.ordinal());
  }

  void add(Register to, int value) {
    rexRegisters(1, 0x81, 0, to.ordinal());
    word(value);
  }

  void sub(Register to, Register from) {
    rexRegisters(1, 0x2b, to.ordinal(), from.ordinal());
  }

  void imul(Register to, Register from, int factor) {
    rexRegisters(1, 0x69, to.ordinal(), from.ordinal());
    word(factor);
  }

  void or(Register to, Register from) {
    rexRegisters(1, 0x0b, to.ordinal(), from.ordinal());
  }

  void and(Register to, Register from) {
    rexRegisters(1, 0x23, to.ordinal(), from.ordinal());
  }

  void and(Register to, Memory from) {
    rexMemory(1, to, from, 0x23);
  }

  void xor32(Register to, Register from) {
    rexRegisters(0, 0x33, to.ordinal(), from.ordinal());
  }

  void shl(Register to, int by) {
    rexRegisters(1, 0xc1, 4, to.ordinal());
    emit(by);
  }

  void shr(Register to, int by) {
    rexRegisters(1, 0xc1, 5, to.ordinal());
    emit(by);
  }

  void cmp(Register a, Register b) {
    rexRegisters(1, 0x3b, a.ordinal(), b.ordinal());
  }

  void dec(Register register) {
    rexRegisters(1, 0xff, 1, register.ordinal());
  }

  void jumpIfNotEqual(Label label) {
    emit(0x0f, 0x85);
    reference(label, 0);
  }

  void push(Register register) {
    emit(0x40 | register.ordinal() >> 3, 0x50 | register.ordinal() & 7);
  }

  void pop(Register register) {
    emit(0x40 | register.ordinal() >> 3, 0x58 | register.ordinal() & 7);
  }

  void cpuid() {
    emit(0x0f, 0xa2);
  }

  void xgetbv() {
    emit(0x0f, 0x01, 0xd0);
  }

  /** Asks for the cache line of an address, which may lie anywhere. */
  void prefetcht0(Memory address) {
    rexMemory(0, Register.RCX, address, 0x0f, 0x18);
  }

  void ret() {
    emit(0xc3);
  }

  private void nop() {
    emit(0x90);
  }

  // ------------------------------------------------------------------ encoding

  private static int bytesOf(Vector vector) {
    return vector.bits() / 8;
  }

  /**
   * @param reg the operand in ModRM.reg
   * @param vvvv the operand in the prefix, if there is one
   * @param rm the operand in ModRM.rm
   * @param tuple bytes that the memory operand has: the unit of a displacement of one byte
   */
  private void evex(
      int map,
      int prefix,
      int w,
      int opcode,
      Vector reg,
      @Nullable Vector vvvv,
      Operand rm,
      int tuple) {
    int second = vvvv == null ? 0 : vvvv.number();
    if (rm instanceof Vector vector) {
      int bits = Math.max(reg.bits(), vector.bits());
      evexRegisters(map, prefix, w, opcode, reg.number(), second, vector.number(), bits);
    } else if (rm instanceof Memory memory) {
      int base = memory.base() == null ? 0 : memory.base().ordinal();
      int index = memory.index() == null ? 0 : memory.index().ordinal();
      int wide = memory.broadcast() ? 0x10 : 0;
      evexPrefix(map, prefix, w, reg.number(), second, base >> 3, index >> 3, reg.bits(), wide);
      emit(opcode);
      int trailing = map == MAP_0F3A ? 1 : 0;
      memory(reg.number(), memory, memory.broadcast() ? 4 : tuple, trailing);
    } else {
      throw new IllegalArgumentException("neither a vector nor memory: " + rm);
    }
  }

  private void evexRegisters(
      int map, int prefix, int w, int opcode, int reg, int vvvv, int rm, int bits) {
    evexPrefix(map, prefix, w, reg, vvvv, rm >> 3 & 1, rm >> 4, bits, 0);
    emit(opcode, 0xc0 | (reg & 7) << 3 | rm & 7);
  }

  /** Register numbers go in with their bits inverted. */
  private void evexPrefix(
      int map, int prefix, int w, int reg, int vvvv, int b, int x, int bits, int broadcast) {
    int r = reg >> 3 & 1;
    int high = reg >> 4;
    int length = bits == 512 ? 2 : bits == 256 ? 1 : 0;
    emit(
        0x62,
        (r << 7 | x << 6 | b << 5 | high << 4) ^ 0xf0 | map,
        w << 7 | (~vvvv & 15) << 3 | 4 | prefix,
        length << 5 | broadcast | (vvvv < 16 ? 8 : 0));
  }

  private void rexRegisters(int w, int opcode, int reg, int rm) {
    emit(0x40 | w << 3 | (reg >> 3) << 2 | rm >> 3, opcode, 0xc0 | (reg & 7) << 3 | rm & 7);
  }

  private void rexMemory(int w, Register reg, Memory rm, int... opcode) {
    int base = rm.base() == null ? 0 : rm.base().ordinal() >> 3;
    int index = rm.index() == null ? 0 : rm.index().ordinal() >> 3;
    emit(0x40 | w << 3 | (reg.ordinal() >> 3) << 2 | index << 1 | base);
    emit(opcode);
    memory(reg.ordinal(), rm, 1, 0);
  }

  /**
   * ModRM, SIB and displacement.
   *
   * @param unit what a displacement of one byte counts in
   * @param trailing bytes of the instruction behind the displacement
   */
  private void memory(int reg, Memory memory, int unit, int trailing) {
    int field = (reg & 7) << 3;
    if (memory.label() != null) {
      emit(field | 5);
      reference(memory.label(), trailing);
      return;
    }
    Register base = memory.base();
    if (base == null) {
      throw new IllegalArgumentException("an address needs a base register or a label");
    }
    int displacement = memory.displacement();
    boolean small = displacement % unit == 0 && Math.abs(displacement / unit) < 128;
    boolean none = displacement == 0 && (base.ordinal() & 7) != 5;
    int mode = none ? 0 : small ? 0x40 : 0x80;
    Register index = memory.index();
    if (index != null) {
      int scale = Integer.numberOfTrailingZeros(memory.scale());
      emit(mode | field | 4, scale << 6 | (index.ordinal() & 7) << 3 | base.ordinal() & 7);
    } else if ((base.ordinal() & 7) == 4) {
      emit(mode | field | 4, 0x24);
    } else {
      emit(mode | field | base.ordinal() & 7);
    }
    if (mode == 0x40) {
      emit(displacement / unit);
    } else if (mode == 0x80) {
      word(displacement);
    }
  }

  private void reference(Label label, int trailing) {
    references.add(new Reference(label, size, size + 4 + trailing));
    word(0);
  }

  private void word(int value) {
    emit(value, value >> 8, value >> 16, value >> 24);
  }

  private void emit(int... values) {
    if (size + values.length > bytes.length) {
      bytes = Arrays.copyOf(bytes, 2 * bytes.length);
    }
    for (int value : values) {
      bytes[size++] = (byte) value;
    }
  }
}
