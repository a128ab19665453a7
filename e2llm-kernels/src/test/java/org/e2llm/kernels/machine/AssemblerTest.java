package org.e2llm.kernels.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
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
import static org.e2llm.kernels.machine.Operand.xmm;
import static org.e2llm.kernels.machine.Operand.zmm;

import java.util.HexFormat;
import java.util.function.Consumer;
import org.e2llm.kernels.machine.Operand.Label;
import org.e2llm.kernels.machine.Operand.Memory;
import org.e2llm.kernels.machine.Operand.Vector;
import org.junit.jupiter.api.Test;

/**
 * Every instruction, with registers of both halves and addresses of all forms, against its bytes.
 * What the bytes mean was read back with objdump of GNU binutils 2.40; it is the text beside them.
 */
class AssemblerTest {
  @Test
  void movesVectors() {
    assertBytes(
        "vmovups zmm20,[r9+0x40]", "62c17c48106101", a -> a.vmovups(zmm(20), Memory.at(R9, 64)));
    assertBytes(
        "vmovups [rsi+0x64],zmm3",
        "62f17c48119e64000000",
        a -> a.vmovups(Memory.at(RSI, 100), zmm(3)));
    assertBytes(
        "vmovups [r9+0x40],xmm6", "62d17c08117104", a -> a.vmovups(Memory.at(R9, 64), xmm(6)));
    assertBytes(
        "vmovss [rbx+0x400],xmm17",
        "62e17e08118b00040000",
        a -> a.vmovss(Memory.at(RBX, 1024), xmm(17)));
    assertBytes("vmovq xmm18,rbp", "62e1fd086ed5", a -> a.vmovq(xmm(18), RBP));
    assertBytes("vmovq xmm6,r10", "62d1fd086ef2", a -> a.vmovq(xmm(6), R10));
    assertBytes(
        "vpbroadcastd zmm31,[r9+0xc]",
        "62427d48587903",
        a -> a.vpbroadcastd(zmm(31), Memory.at(R9, 12)));
    assertBytes(
        "vbroadcasti64x4 zmm9,[rdi+rdx*1+0x80]",
        "6272fd485b4c1704",
        a -> a.vbroadcasti64x4(zmm(9), Memory.at(RDI, RDX, 1, 128)));
    assertBytes(
        "vextractf64x4 ymm4,zmm19,0x1",
        "62e3fd481bdc01",
        a -> a.vextractf64x4(zmm(4).ymm(), zmm(19), 1));
    assertBytes(
        "vextractf32x4 xmm4,ymm19,0x1",
        "62e37d2819dc01",
        a -> a.vextractf32x4(xmm(4), zmm(19).ymm(), 1));
    assertBytes(
        "vmovhlps xmm4,xmm1,xmm17", "62b1740812e1", a -> a.vmovhlps(xmm(4), xmm(1), xmm(17)));
    assertBytes("vmovshdup xmm4,xmm30", "62917e0816e6", a -> a.vmovshdup(xmm(4), xmm(30)));
  }

  @Test
  void convertsVectors() {
    assertBytes(
        "vpmovzxbd zmm10,[rdi+rdx*2+0x12]",
        "62727d4831945712000000",
        a -> a.vpmovzxbd(zmm(10), Memory.at(RDI, RDX, 2, 18)));
    assertBytes("vpmovzxbd ymm8,xmm8", "62527d2831c0", a -> a.vpmovzxbd(zmm(8).ymm(), xmm(8)));
    assertBytes(
        "vpmovsxbd zmm10,[rdi+r10*1+0xc0]",
        "62327d482154170c",
        a -> a.vpmovsxbd(zmm(10), Memory.at(RDI, R10, 1, 192)));
    assertBytes("vcvtph2ps xmm6,xmm6", "62f27d0813f6", a -> a.vcvtph2ps(xmm(6), xmm(6)));
    assertBytes(
        "vcvtph2ps zmm5,[rdi+0x20]",
        "62f27d48136f01",
        a -> a.vcvtph2ps(zmm(5), Memory.at(RDI, 32)));
    assertBytes("vcvtdq2ps zmm25,zmm9", "62417c485bc9", a -> a.vcvtdq2ps(zmm(25), zmm(9)));
  }

  @Test
  void computesWithFloats() {
    assertBytes(
        "vfmadd132ps zmm6,zmm22,[r9+0x40]{1to16}",
        "62d24d50987110",
        a -> a.vfmadd132ps(zmm(6), zmm(22), Memory.at(R9, 64).toAllLanes()));
    assertBytes(
        "vaddps ymm1,ymm2,ymm19",
        "62b16c2858cb",
        a -> a.vaddps(zmm(1).ymm(), zmm(2).ymm(), zmm(19).ymm()));
    assertBytes("vaddss xmm1,xmm2,xmm3", "62f16e0858cb", a -> a.vaddss(xmm(1), xmm(2), xmm(3)));
    assertBytes(
        "vmulps zmm16,zmm17,DWORD BCST [r9+0x14]",
        "62c17450594105",
        a -> a.vmulps(zmm(16), zmm(17), Memory.at(R9, 20).toAllLanes()));
    assertBytes(
        "vfmadd213ps zmm8,zmm31,DWORD BCST [r9+0x10]",
        "62520550a84104",
        a -> a.vfmadd213ps(zmm(8), zmm(31), Memory.at(R9, 16).toAllLanes()));
    assertBytes(
        "vfmsub213ps zmm8,zmm31,DWORD BCST [r9+0x200]",
        "62520550aa8100020000",
        a -> a.vfmsub213ps(zmm(8), zmm(31), Memory.at(R9, 512).toAllLanes()));
    assertBytes(
        "vfmadd231ps zmm3,zmm23,zmm5", "62f24540b8dd", a -> a.vfmadd231ps(zmm(3), zmm(23), zmm(5)));
  }

  @Test
  void permutesAndMasks() {
    assertBytes("vpsubb zmm7,zmm8,zmm31", "62913d48f8ff", a -> a.vpsubb(zmm(7), zmm(8), zmm(31)));
    assertBytes(
        "vpermps zmm12,zmm29,zmm30", "6212154016e6", a -> a.vpermps(zmm(12), zmm(29), zmm(30)));
    assertBytes("vpandd zmm7,zmm8,zmm31", "62913d48dbff", a -> a.vpandd(zmm(7), zmm(8), zmm(31)));
    assertBytes("vpxord zmm3,zmm3,zmm3", "62f16548efdb", a -> a.vpxord(zmm(3), zmm(3), zmm(3)));
    assertBytes(
        "vpternlogd zmm7,zmm15,zmm30,0xf8",
        "6293054825fef8",
        a -> a.vpternlogd(zmm(7), zmm(15), zmm(30), 0xf8));
    assertBytes("vpsrld zmm21,zmm9,0x4", "62d1554072d104", a -> a.vpsrld(zmm(21), zmm(9), 4));
    assertBytes("vpsllvd zmm9,zmm8,zmm29", "62123d4847cd", a -> a.vpsllvd(zmm(9), zmm(8), zmm(29)));
    assertBytes("vpsrlvd zmm9,zmm8,zmm28", "62123d4845cc", a -> a.vpsrlvd(zmm(9), zmm(8), zmm(28)));
    assertBytes("vzeroupper", "c5f877", a -> a.vzeroupper());
  }

  @Test
  void movesGeneralRegisters() {
    assertBytes("mov r8,rdx", "4c8bc2", a -> a.mov(R8, RDX));
    assertBytes(
        "mov rax,[rdi+rdx*2+0x4]", "488b445704", a -> a.mov(RAX, Memory.at(RDI, RDX, 2, 4)));
    assertBytes(
        "mov ecx,[rdi+r10*1+0xc]", "428b4c170c", a -> a.mov32(RCX, Memory.at(RDI, R10, 1, 12)));
    assertBytes("mov [r8+0x8],ecx", "41894808", a -> a.mov32(Memory.at(R8, 8), RCX));
    assertBytes(
        "movzx eax,[rdi+0xd0]", "400fb787d0000000", a -> a.movzx16(RAX, Memory.at(RDI, 208)));
    assertBytes("lea r10,[rdx+rdx*2]", "4c8d1452", a -> a.lea(R10, Memory.at(RDX, RDX, 2, 0)));
    assertBytes(
        "lea r11,[r11+r9*1+0x1800]",
        "4f8d9c0b00180000",
        a -> a.lea(R11, Memory.at(R11, R9, 1, 6144)));
    assertBytes("lea rax,[r13+0x0]", "498d4500", a -> a.lea(RAX, Memory.at(R13, 0)));
    assertBytes("lea rax,[r12]", "498d0424", a -> a.lea(RAX, Memory.at(R12, 0)));
    assertBytes("push rbx", "4053", a -> a.push(RBX));
    assertBytes("pop r12", "415c", a -> a.pop(R12));
  }

  @Test
  void computesWithGeneralRegisters() {
    assertBytes("add rdi,rsi", "4803fe", a -> a.add(RDI, RSI));
    assertBytes("add rsi,0x400", "4881c600040000", a -> a.add(RSI, 1024));
    assertBytes("sub rdi,rdx", "482bfa", a -> a.sub(RDI, RDX));
    assertBytes("imul r11,rcx,0x400", "4c69d900040000", a -> a.imul(R11, RCX, 1024));
    assertBytes("or rax,rcx", "480bc1", a -> a.or(RAX, RCX));
    assertBytes("and rax,rbp", "4823c5", a -> a.and(RAX, RBP));
    assertBytes("and rcx,[r9+0x8]", "49234908", a -> a.and(RCX, Memory.at(R9, 8)));
    assertBytes("xor ecx,ecx", "4033c9", a -> a.xor32(RCX, RCX));
    assertBytes("shl rcx,0x30", "48c1e130", a -> a.shl(RCX, 48));
    assertBytes("shr rbp,0x2", "48c1ed02", a -> a.shr(RBP, 2));
    assertBytes("cmp rsi,r11", "493bf3", a -> a.cmp(RSI, R11));
    assertBytes("dec r8", "49ffc8", a -> a.dec(R8));
  }

  @Test
  void asksTheCpu() {
    assertBytes("cpuid", "0fa2", a -> a.cpuid());
    assertBytes("xgetbv", "0f01d0", a -> a.xgetbv());
    assertBytes(
        "prefetcht0 [rdi+rdx*1+0x100]",
        "400f188c1700010000",
        a -> a.prefetcht0(Memory.at(RDI, RDX, 1, 256)));
    assertBytes("ret", "c3", a -> a.ret());
  }

  @Test
  void jumpsBackAndReadsConstantsRelativeToTheNextInstruction() {
    Label start = new Label();
    Label constant = new Label();
    Assembler a = new Assembler();
    a.place(start);
    a.vmovups(zmm(0), Memory.at(constant)); // 10 bytes, then 6 of the jump
    a.jumpIfNotEqual(start);
    a.ints(constant, 7);
    byte[] code = a.code();
    assertThat(hex(code, 0, 16)).isEqualTo("62f17c481005" + "36000000" + "0f85" + "f0ffffff");
    assertThat(hex(code, 64, 68)).isEqualTo("07000000");
  }

  @Test
  void countsTheByteBehindAnAddressRelativeToTheCode() {
    Label constant = new Label();
    Assembler a = new Assembler();
    a.vpternlogd(zmm(1), zmm(2), Memory.at(constant), 0xf8);
    a.ints(constant, 0);
    assertThat(hex(a.code(), 0, 11)).isEqualTo("62f36d48250d" + "35000000" + "f8");
  }

  @Test
  void refusesALabelThatWasNeverPlacedAndRegistersThatDoNotExist() {
    Assembler a = new Assembler();
    a.jumpIfNotEqual(new Label());
    assertThatThrownBy(a::code).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> new Vector(32, 512)).isInstanceOf(IllegalArgumentException.class);
  }

  private static void assertBytes(String meaning, String bytes, Consumer<Assembler> instruction) {
    Assembler a = new Assembler();
    instruction.accept(a);
    byte[] code = a.code();
    assertThat(hex(code, 0, code.length)).as(meaning).isEqualTo(bytes);
  }

  private static String hex(byte[] code, int from, int to) {
    return HexFormat.of().formatHex(code, from, to);
  }
}
