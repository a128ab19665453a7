package org.e2llm.kernels.machine;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.e2llm.kernels.machine.Operand.Register.R8;
import static org.e2llm.kernels.machine.Operand.Register.RAX;
import static org.e2llm.kernels.machine.Operand.Register.RBX;
import static org.e2llm.kernels.machine.Operand.Register.RCX;
import static org.e2llm.kernels.machine.Operand.Register.RDI;
import static org.e2llm.kernels.machine.Operand.Register.RDX;
import static org.e2llm.kernels.machine.Operand.Register.RSI;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import org.e2llm.kernels.machine.Operand.Memory;

/**
 * What this CPU can do and the system lets it: the instruction {@code cpuid}, in a function of our
 * own. Bits: Intel SDM, volume 2, CPUID; volume 1, 13.2 and 15.2 on what the system has to enable.
 */
final class Cpu {
  private static final int OSXSAVE = 1 << 27; // leaf 1, ecx
  private static final int AVX512 = 1 << 16 | 1 << 30 | 1 << 31; // leaf 7, ebx: F, BW, VL
  private static final int ALL_REGISTERS = 0xe6; // xcr0: xmm, ymm, masks, zmm, zmm 16 to 31

  private Cpu() {}

  /** Whether AVX-512 F, BW and VL can be used; only on x86-64. */
  static boolean hasAvx512() {
    MethodHandle cpuid =
        Linker.nativeLinker()
            .downcallHandle(
                ExecutableCode.of(cpuid()),
                FunctionDescriptor.ofVoid(JAVA_INT, JAVA_INT, ValueLayout.ADDRESS));
    MethodHandle xgetbv =
        Linker.nativeLinker()
            .downcallHandle(ExecutableCode.of(xgetbv()), FunctionDescriptor.of(JAVA_INT));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment said = arena.allocate(12, 4); // eax, ebx, ecx
      cpuid.invokeExact(0, 0, said);
      boolean tells = Integer.compareUnsigned(said.get(JAVA_INT, 0), 7) >= 0;
      cpuid.invokeExact(1, 0, said);
      if (!tells || (said.get(JAVA_INT, 8) & OSXSAVE) == 0) {
        return false;
      }
      int enabled = (int) xgetbv.invokeExact();
      cpuid.invokeExact(7, 0, said);
      return (enabled & ALL_REGISTERS) == ALL_REGISTERS
          && (said.get(JAVA_INT, 4) & AVX512) == AVX512;
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  /** {@code (leaf, subleaf, int[3])}: writes eax, ebx and ecx. */
  private static byte[] cpuid() {
    Assembler a = new Assembler();
    a.push(RBX);
    a.mov(RAX, RDI);
    a.mov(RCX, RSI);
    a.mov(R8, RDX);
    a.cpuid();
    a.mov32(Memory.at(R8, 0), RAX);
    a.mov32(Memory.at(R8, 4), RBX);
    a.mov32(Memory.at(R8, 8), RCX);
    a.pop(RBX);
    a.ret();
    return a.code();
  }

  private static byte[] xgetbv() {
    Assembler a = new Assembler();
    a.xor32(RCX, RCX);
    a.xgetbv();
    a.ret();
    return a.code();
  }
}
