package org.e2llm.kernels.math;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * The vector width of this JVM, and the loads that depend on it.
 *
 * <p>A group is 16 consecutive elements of a row, one for each partial sum. It takes {@link
 * #STRIPS} vectors: strip h has the elements from {@code h * COUNT} on. Everything here is {@code
 * static final}, so that compiled code knows the width.
 *
 * <p>Floats and ints come in this one width only. Once a JVM has seen vectors of two, C2 no longer
 * knows the class of an accumulator that a loop carries, and in one start of five it boxed those of
 * {@link Tile} for good: twenty times slower.
 */
final class Lanes {
  /** Partial sums of a dot product. */
  static final int GROUP = 16;

  static final int BITS = bits();

  /** Floats per vector. */
  static final int COUNT = BITS / Float.SIZE;

  static final int STRIPS = GROUP / COUNT;

  static final VectorSpecies<Float> F = VectorSpecies.of(float.class, VectorShape.forBitSize(BITS));
  static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, VectorShape.forBitSize(BITS));
  static final VectorSpecies<Short> S =
      VectorSpecies.of(short.class, VectorShape.forBitSize(BITS / 2));

  /**
   * As many bytes as there are lanes; eight, the smallest vector, for four lanes. Strip 1 of a
   * group of bytes is part {@link #PART_1} of the vector {@link #BYTES_1} behind strip 0. Where a
   * vector is a whole group, both are 0.
   */
  static final VectorSpecies<Byte> B =
      VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, BITS / 4)));

  static final int BYTES_1 = COUNT == 8 ? 8 : 0;
  static final int PART_1 = COUNT == 4 ? 1 : 0;

  /** For bits in lanes of bytes, of which at most 32 go together in a format. */
  static final VectorSpecies<Long> L =
      VectorSpecies.of(long.class, VectorShape.forBitSize(Math.min(BITS, 256)));

  /** Rotations of the lanes; a rotation by more lanes than there are is never used. */
  static final VectorShuffle<Float> BY_8 = rotation(8);

  static final VectorShuffle<Float> BY_4 = rotation(4);
  static final VectorShuffle<Float> BY_2 = rotation(2);
  static final VectorShuffle<Float> BY_1 = rotation(1);

  private Lanes() {}

  private static int bits() {
    int forced = KernelsLookup.forcedVectorBits();
    int bits = forced != 0 ? forced : FloatVector.SPECIES_PREFERRED.vectorBitSize();
    return Math.min(Math.max(bits, 128), 512);
  }

  private static VectorShuffle<Float> rotation(int by) {
    return VectorShuffle.fromOp(F, i -> (i + by) % COUNT);
  }

  /**
   * The 16 partial sums at {@code at}, added in the canonical tree. It takes an array because
   * vectors as arguments are boxed wherever the call is not inlined.
   */
  static float sum(float[] sums, int at) {
    FloatVector v = FloatVector.fromArray(F, sums, at);
    if (STRIPS == 1) {
      v = v.add(v.rearrange(BY_8));
    } else if (STRIPS == 2) {
      v = v.add(FloatVector.fromArray(F, sums, at + 8));
    } else {
      FloatVector other = FloatVector.fromArray(F, sums, at + 12);
      other = other.add(FloatVector.fromArray(F, sums, at + 4));
      v = v.add(FloatVector.fromArray(F, sums, at + 8)).add(other);
    }
    if (COUNT > 4) {
      v = v.add(v.rearrange(BY_4));
    }
    v = v.add(v.rearrange(BY_2));
    v = v.add(v.rearrange(BY_1));
    return v.lane(0);
  }
}
