package org.e2llm.kernels.math;

/**
 * A race between two implementations of one kernel that give the same bits: a steady one, and a
 * challenger that is slow until the JVM has compiled it. The challenger gets a share of the work,
 * and all of it for good once it has been faster several times in a row.
 *
 * <p>Threads race together without synchronisation: a lost update costs a lap, never a result.
 */
final class Race {
  /** Wins in a row that end the race: one may be luck, such as a pause of the other. */
  private static final int WINS = 4;

  private volatile boolean won;
  private double steadyNanosPerUnit = Double.MAX_VALUE;
  private long steadyNanos;
  private long challengerNanos;
  private int wins;

  /** Whether the challenger does everything from now on. */
  boolean isWon() {
    return won;
  }

  /**
   * Whether the challenger should do the next piece: it may take as much time as the steady one.
   */
  boolean wantsChallenger() {
    return challengerNanos <= steadyNanos;
  }

  /** The steady one did {@code units} in {@code nanos}. */
  void steady(long units, long nanos) {
    if (units > 0) {
      steadyNanos += nanos;
      steadyNanosPerUnit = (double) nanos / units;
    }
  }

  /** The challenger did {@code units} in {@code nanos}. */
  void challenger(long units, long nanos) {
    challengerNanos += nanos;
    wins = (double) nanos / units < steadyNanosPerUnit ? wins + 1 : 0;
    if (wins >= WINS && steadyNanos > 0) {
      won = true;
    }
  }
}
