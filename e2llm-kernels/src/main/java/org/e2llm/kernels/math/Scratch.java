package org.e2llm.kernels.math;

import org.jspecify.annotations.Nullable;

/**
 * Working memory of one thread: grows to the largest request, then stays. Not thread-safe.
 *
 * <p>What a buffer holds is lost with the next kernel call.
 */
public final class Scratch {
  private float[] floats = new float[0];
  private int[] ints = new int[0];
  private byte[] bytes = new byte[0];
  private @Nullable Object attachment;

  /** At least {@code n} floats. */
  public float[] floats(int n) {
    if (floats.length < n) {
      floats = new float[n];
    }
    return floats;
  }

  /** At least {@code n} ints. */
  public int[] ints(int n) {
    if (ints.length < n) {
      ints = new int[n];
    }
    return ints;
  }

  /** At least {@code n} bytes. */
  public byte[] bytes(int n) {
    if (bytes.length < n) {
      bytes = new byte[n];
    }
    return bytes;
  }

  /** What kernels keep here beside arrays, such as memory outside the heap; null at first. */
  public @Nullable Object attachment() {
    return attachment;
  }

  /** Replaces the {@link #attachment}, whose lifetime is that of this object. */
  public void attach(Object attachment) {
    this.attachment = attachment;
  }
}
