package org.e2llm.serving;

import org.e2llm.plan.Slo;

/**
 * Those that have their place on a replica for their answers, and whether one more may join: not if
 * that made every token take longer than the SLO's TPOT allows. Where one alone takes longer, there
 * is nothing to keep, and everybody may.
 *
 * <p>Some of those that decode will have ended when the prompt of the new one is done. What is left
 * of an answer is taken to be anything from nothing to all of it.
 */
final class Together {
  private final int replica;
  private final double limit;
  private final ReplicaEstimates estimates;
  private int coming;
  private long comingTokens;
  private int decoding;
  private long decodingTokens;

  Together(int replica, Slo slo, ReplicaEstimates estimates) {
    this.replica = replica;
    this.limit = slo.tpotSeconds();
    this.estimates = estimates;
  }

  /**
   * Whether a session may join.
   *
   * @param output mean tokens of an answer; half of them are there on the average
   */
  boolean hasPlace(DispatchedSession session, double output) {
    return !session.decodes || isEmpty() || hasPlaces(1, session, output);
  }

  /** Whether so many that are like this one may join. */
  boolean hasPlaces(int more, DispatchedSession session, double output) {
    if (limit == Double.POSITIVE_INFINITY || !session.decodes) {
      return true;
    }
    double alone = estimates.stepSeconds(replica, 1, session.known() + output / 2);
    if (alone > limit) {
      return true;
    }
    double stay = Math.max(0, 1 - session.promptSeconds / (output * limit));
    int with = (int) Math.ceil(coming + decoding * stay - 1e-9) + more;
    double prompts = comingTokens + decodingTokens * stay + (double) more * session.known();
    return with == 1 || estimates.stepSeconds(replica, with, prompts + with * output / 2) <= limit;
  }

  boolean isEmpty() {
    return coming + decoding == 0;
  }

  /** One that began has its place here. */
  void add(DispatchedSession session) {
    if (!session.decodes) {
      return;
    }
    coming++;
    comingTokens += session.known();
  }

  /** It decodes from now on. */
  void decodes(DispatchedSession session) {
    leaves(session, false);
    decoding++;
    decodingTokens += session.known();
  }

  /** Gives up its place. */
  void leaves(DispatchedSession session, boolean decoded) {
    if (!session.decodes) {
      return;
    }
    if (decoded) {
      decoding--;
      decodingTokens -= session.known();
    } else {
      coming--;
      comingTokens -= session.known();
    }
  }
}
