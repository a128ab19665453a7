package org.e2llm.samples.study;

import org.e2llm.plan.Slo;

/**
 * What all cells of a setting are measured against.
 *
 * @param rate λ1, requests per second: the highest saturated throughput among all strategies
 * @param slo 4 times the TTFT and twice the TPOT that the best plan gives the mean request on the
 *     idle fleet
 * @param sloRate requests per second that the fleet can serve within the SLO's TPOT at most, see
 *     {@link SloCapacity}
 */
public record Reference(double rate, Slo slo, double sloRate) {
  /**
   * The share of requests that can be served within the SLO until the last one's time is up. Above
   * 1 where there is capacity to spare.
   *
   * @param requests of a simulation
   * @param output mean tokens out
   */
  public double capacityShare(double load, int requests, double output) {
    double seconds = requests / (load * rate) + slo.ttftSeconds() + output * slo.tpotSeconds();
    return sloRate * seconds / requests;
  }
}
