package org.e2llm.kernels.model;

/**
 * The largest numbers a header may state. They are several times what any published model has, and
 * small enough that no product of them overflows where it is used.
 */
final class Limits {
  static final int LAYERS = 4096;
  static final int EMBEDDING = 1 << 17;
  static final int FEED_FORWARD = 1 << 20;
  static final int HEADS = 4096;
  static final int HEAD_LENGTH = 4096;
  static final int VOCABULARY = 1 << 24;
  static final int CONTEXT = 1 << 28;

  private Limits() {}
}
