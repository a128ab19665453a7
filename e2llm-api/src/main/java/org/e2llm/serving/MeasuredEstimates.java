package org.e2llm.serving;

import java.util.function.IntToDoubleFunction;
import org.e2llm.pipeline.Role;

/**
 * What a live host reckons with: what its own steps take. Before any was seen, prompts and answers
 * take no time, so everybody is in time.
 *
 * <p>With the TPOT of an SLO in view, prompts have as many rows beside sessions that decode as let
 * these have their tokens in time: with a margin, because there are pauses that no step knows of;
 * where that leaves none, so few that a step lasts an eighth longer; and whole batches where tokens
 * alone come too late. Otherwise prompts fill whole batches.
 */
final class MeasuredEstimates implements HostEstimates {
  /** Mean output of a request until some were seen. */
  private static final int OUTPUT = 256;

  /** By so much prompts may lengthen a step where tokens alone just come in time. */
  private static final double FEW_ROWS = 1.125;

  /** By so much times have to change for those who wait to be reckoned again. */
  private static final double CHANGE = 1.25;

  private static final int[] NO_CHANNELS = {};

  private final int rows;
  private final int lanes;
  private final int kvTokens;
  private final double tpot;

  /** From the beginning of a step to its end. */
  private final StepTimes latency = new StepTimes();

  /** What it adds where steps follow each other. */
  private final StepTimes occupancy = new StepTimes();

  /** Kept as long as it holds, since it is asked for before every step. */
  private BatchScheduler.Limits limits;

  /** A whole batch of prompts, when it was last reckoned with. */
  private double reckoned;

  /**
   * Nothing seen.
   *
   * @param rows the most of a batch
   * @param lanes batches in which sessions decode at a time
   */
  MeasuredEstimates(int rows, int lanes, HostLimits host) {
    this.rows = rows;
    this.lanes = lanes;
    this.kvTokens = (int) Math.min(Integer.MAX_VALUE, host.kvBytes() / host.bytesPerToken());
    this.tpot = host.slo().tpotSeconds();
    this.limits = new BatchScheduler.Limits(rows, rows, lanes);
  }

  @Override
  public boolean observed(int promptRows, int decodeRows, double seconds, double occupied) {
    latency.see(promptRows, decodeRows, seconds);
    occupancy.see(promptRows, decodeRows, occupied);
    double whole = promptRows == 0 ? reckoned : occupancy.seconds(rows, 0);
    boolean changed = whole > reckoned * CHANGE || whole * CHANGE < reckoned;
    reckoned = changed ? whole : reckoned;
    return changed;
  }

  @Override
  public BatchScheduler.Limits limits(int decoding) {
    int mixedRows = mixedRows(decoding);
    if (limits.mixedRows() != mixedRows) {
      limits = new BatchScheduler.Limits(rows, mixedRows, lanes);
    }
    return limits;
  }

  private int mixedRows(int decoding) {
    if (decoding == 0 || tpot == Double.POSITIVE_INFINITY || !latency.knowsDecode()) {
      return rows;
    }
    int batch = batch(decoding);
    IntToDoubleFunction step = promptRows -> latency.seconds(promptRows, batch);
    int most = PromptRows.inTime(rows, tpot, OUTPUT, step);
    if (most > 0) {
      return most;
    }
    double alone = latency.seconds(0, batch);
    return alone > tpot ? rows : Math.max(1, PromptRows.most(rows, FEW_ROWS * alone, step));
  }

  private int batch(int decoding) {
    return (decoding + lanes - 1) / lanes;
  }

  @Override
  public int size() {
    return 1;
  }

  @Override
  public Role role(int replica) {
    return Role.MIXED;
  }

  @Override
  public int kvTokens(int replica) {
    return kvTokens;
  }

  @Override
  public double expectedOutput() {
    return OUTPUT;
  }

  @Override
  public double prefillSeconds(int replica, int promptTokens, int decoding) {
    int chunk = mixedRows(decoding);
    int batch = batch(decoding);
    int whole = promptTokens / chunk;
    int rest = promptTokens % chunk;
    return whole * occupancy.seconds(chunk, batch)
        + (rest == 0 ? 0 : occupancy.seconds(rest, batch));
  }

  @Override
  public double fillSeconds(int replica, int promptTokens) {
    int chunk = Math.min(rows, promptTokens);
    return Math.max(0, latency.seconds(chunk, 0) - occupancy.seconds(chunk, 0));
  }

  @Override
  public double stallSeconds(int replica, int promptTokens, int decoding) {
    return prefillSeconds(replica, promptTokens, 0);
  }

  @Override
  public double stepSeconds(int replica, int decoding, double cachedTokens) {
    return latency.seconds(0, batch(decoding));
  }

  @Override
  public double handoffSeconds(int from, int to, int promptTokens) {
    return 0;
  }

  @Override
  public int channels() {
    return 0;
  }

  @Override
  public int[] channels(int from, int to) {
    return NO_CHANNELS;
  }

  @Override
  public double channelSeconds(int from, int to, int index, int promptTokens) {
    return 0;
  }
}
