package org.e2llm.kernels.machine;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Locale;

/**
 * Memory with machine code in it: mapped, written, then made executable and read-only at once, so
 * that it is never writable and executable together. It stays until the JVM ends.
 *
 * <p>Only where functions follow the System V calling convention: Linux and macOS.
 */
final class ExecutableCode {
  private static final int READ = 1;
  private static final int WRITE = 2;
  private static final int EXECUTE = 4;
  private static final int PRIVATE = 2;
  private static final int ANONYMOUS_ON_LINUX = 0x20;
  private static final int ANONYMOUS_ON_MACOS = 0x1000;

  private ExecutableCode() {}

  /**
   * Copies the code and makes it executable.
   *
   * @return where it starts, at a page's begin
   * @throws UnsupportedOperationException if this system does not allow it
   */
  static MemorySegment of(byte[] code) {
    String system = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
    boolean mac = system.startsWith("mac");
    if (!mac && !system.startsWith("linux")) {
      throw new UnsupportedOperationException(
          "machine code is written on Linux and macOS only, and this is " + system);
    }
    int flags = PRIVATE | (mac ? ANONYMOUS_ON_MACOS : ANONYMOUS_ON_LINUX);
    MemorySegment memory;
    int refused;
    try {
      memory =
          (MemorySegment)
              function("mmap", ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG)
                  .invokeExact(MemorySegment.NULL, (long) code.length, READ | WRITE, flags, -1, 0L);
      if (memory.address() == -1) {
        throw new UnsupportedOperationException("the system gives no memory for machine code");
      }
      memory = memory.reinterpret(code.length);
      MemorySegment.copy(code, 0, memory, JAVA_BYTE, 0, code.length);
      refused =
          (int)
              function("mprotect", JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT)
                  .invokeExact(memory, (long) code.length, READ | EXECUTE);
      if (refused != 0) {
        int ignored =
            (int)
                function("munmap", JAVA_INT, ADDRESS, JAVA_LONG)
                    .invokeExact(memory, (long) code.length);
      }
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
    if (refused != 0) {
      throw new UnsupportedOperationException(
          "the system does not let this process make memory executable (SELinux execmem, or a"
              + " policy like it); allow it");
    }
    return memory;
  }

  private static MethodHandle function(String name, MemoryLayout result, MemoryLayout... args) {
    Linker linker = Linker.nativeLinker();
    MemorySegment address =
        linker
            .defaultLookup()
            .find(name)
            .orElseThrow(
                () -> new UnsupportedOperationException("the system's library has no " + name));
    return linker.downcallHandle(address, FunctionDescriptor.of(result, args));
  }
}
