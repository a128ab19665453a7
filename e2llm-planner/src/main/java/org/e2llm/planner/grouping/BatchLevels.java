package org.e2llm.planner.grouping;

/** The batches of decoding sessions that searches try: powers of two. */
final class BatchLevels {
  static final int COUNT = 7;

  private BatchLevels() {}

  static int batch(int level) {
    return 1 << level;
  }

  /** KV cache that a chain needs for a micro-batch of this size per stage, in tokens. */
  static long tokens(Demand demand, int batch, int stages) {
    return Math.max(demand.largest(), (long) Math.ceil(batch * stages * demand.likely()));
  }
}
