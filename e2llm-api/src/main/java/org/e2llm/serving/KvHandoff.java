package org.e2llm.serving;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.model.LayerRange;
import org.jspecify.annotations.Nullable;

/**
 * Decides which part of a session's KV cache leaves when, from which owner to which: while the
 * prompt is still being computed, as soon as a stage has enough new positions.
 *
 * <p>Replicas are cut differently, so that a stage may have to send to several and receive from
 * several: an owner pair is two stages with layers in common. A pair has one piece under way at a
 * time, of all positions that are there by then: the slower the link, the larger the pieces. Short
 * prompts go in one piece when they are done, long ones overlap with their prefill (Splitwise does
 * both, too).
 *
 * <p>A pure state machine; not thread-safe.
 */
public final class KvHandoff {
  /** Positions that are worth a transfer of their own before the prompt is done. */
  public static final int WORTH_SENDING = 128;

  /**
   * Who sends what to whom.
   *
   * @param fromStage stage of the PREFILL replica
   * @param toStage stage of the DECODE replica
   * @param layers absolute
   */
  public record Pair(int fromStage, int toStage, LayerRange layers) {}

  /**
   * One transfer.
   *
   * @param pair number of the pair
   * @param from first position
   * @param to one past the last position
   */
  public record Piece(int pair, int from, int to) {
    /** Positions. */
    public int length() {
      return to - from;
    }
  }

  /**
   * The owner pairs between two replicas.
   *
   * @param prefill layers of the stages of the PREFILL replica
   * @param decode layers of the stages of the DECODE replica
   */
  public static List<Pair> pairs(List<LayerRange> prefill, List<LayerRange> decode) {
    List<Pair> pairs = new ArrayList<>();
    for (int i = 0; i < prefill.size(); i++) {
      for (int j = 0; j < decode.size(); j++) {
        int from = Math.max(prefill.get(i).from(), decode.get(j).from());
        int to = Math.min(prefill.get(i).to(), decode.get(j).to());
        if (from < to) {
          pairs.add(new Pair(i, j, LayerRange.of(from, to)));
        }
      }
    }
    return pairs;
  }

  private final List<Pair> pairs;
  private final int promptTokens;
  private final int[] computed;
  private final int[] sent;
  private final int[] arrived;
  private int complete;

  /**
   * By stage, the least that was sent by any of its pairs that have nothing under way; the prompt
   * if there are none. Most of what is computed is not yet worth a look.
   */
  private final int[] leastSent;

  /** By stage, the first pair that sends from it; then how many pairs there are. */
  private final int[] firstOf;

  // Pairs that may have something to send: from, and to before.

  private int next;
  private int end;

  /**
   * Nothing is computed yet.
   *
   * @param pairs from {@link #pairs}
   * @param promptTokens positions to hand off
   */
  public KvHandoff(List<Pair> pairs, int promptTokens) {
    if (pairs.isEmpty() || promptTokens < 1) {
      throw new IllegalArgumentException(
          "a hand-off of " + promptTokens + " positions over " + pairs.size() + " owner pairs");
    }
    this.pairs = pairs;
    this.promptTokens = promptTokens;
    computed = new int[pairs.get(pairs.size() - 1).fromStage() + 1];
    leastSent = new int[computed.length];
    sent = new int[pairs.size()];
    arrived = new int[pairs.size()];
    firstOf = new int[computed.length + 1];
    for (Pair pair : pairs) {
      firstOf[pair.fromStage() + 1]++;
    }
    for (int stage = 0; stage < computed.length; stage++) {
      firstOf[stage + 1] += firstOf[stage];
    }
  }

  /** A stage has the KV of all positions before {@code position}. */
  public void computed(int stage, int position) {
    int there = Math.max(computed[stage], Math.min(position, promptTokens));
    computed[stage] = there;
    if (isWorth(there, leastSent[stage])) {
      look(firstOf[stage], firstOf[stage + 1]);
    }
  }

  private boolean isWorth(int there, int from) {
    return there == promptTokens || there - from >= WORTH_SENDING;
  }

  private void look(int from, int to) {
    boolean none = next >= end;
    next = none ? from : Math.min(next, from);
    end = none ? to : Math.max(end, to);
  }

  /**
   * The next transfer to begin.
   *
   * @return null if there is nothing to send now
   */
  public @Nullable Piece send() {
    for (; next < end; next++) {
      int i = next;
      int stage = pairs.get(i).fromStage();
      int there = computed[stage];
      if (sent[i] == arrived[i] && there > sent[i] && isWorth(there, sent[i])) {
        Piece piece = new Piece(i, sent[i], there);
        sent[i] = there;
        leastSent[stage] = leastSent(stage);
        return piece;
      }
    }
    return null;
  }

  private int leastSent(int stage) {
    int least = promptTokens;
    for (int pair = firstOf[stage]; pair < firstOf[stage + 1]; pair++) {
      least = sent[pair] == arrived[pair] ? Math.min(least, sent[pair]) : least;
    }
    return least;
  }

  /** A transfer is over. */
  public void arrived(Piece piece) {
    arrived[piece.pair()] = piece.to();
    int stage = pairs.get(piece.pair()).fromStage();
    leastSent[stage] = leastSent(stage);
    look(piece.pair(), piece.pair() + 1);
    complete += piece.to() == promptTokens ? 1 : 0;
  }

  /** Whether every layer of every position has arrived. */
  public boolean isComplete() {
    return complete == arrived.length;
  }

  /** Share of the positions that has arrived, the mean over the layers. */
  public double share() {
    long layers = 0;
    double positions = 0;
    for (int i = 0; i < arrived.length; i++) {
      int size = pairs.get(i).layers().size();
      layers += size;
      positions += (double) size * arrived[i];
    }
    return positions / layers / promptTokens;
  }

  public Pair pair(Piece piece) {
    return pairs.get(piece.pair());
  }
}
