package org.e2llm.samples.console;

import org.e2llm.KernelInfo;

/** What a user should be told of how the library runs. */
public final class Notes {
  private Notes() {}

  /** Says in one line why faster kernels are not in use, if that is so. */
  public static void slowKernels(Console console, KernelInfo kernels) {
    if (!kernels.reasons().isEmpty()) {
      String reasons = String.join("; ", kernels.reasons()).replaceAll("\\s*\\R\\s*", " ");
      console.noteln("slow: " + kernels.name() + " kernels, because " + reasons);
    }
  }
}
