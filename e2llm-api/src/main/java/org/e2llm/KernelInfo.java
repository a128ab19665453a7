package org.e2llm;

import java.util.List;

/**
 * The kernels in use.
 *
 * @param name {@code scalar}, {@code vector128}, {@code vector256} or {@code vector512}
 * @param threads threads that compute
 * @param reasons why not faster ones, each with what would mend it; empty where these are the
 *     fastest
 */
public record KernelInfo(String name, int threads, List<String> reasons) {
  public KernelInfo {
    reasons = List.copyOf(reasons);
  }
}
