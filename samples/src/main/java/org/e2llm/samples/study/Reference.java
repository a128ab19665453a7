package org.e2llm.samples.study;

import org.e2llm.plan.Slo;

/**
 * What all cells of a setting are measured against.
 *
 * @param rate λ1, requests per second: the highest saturated throughput among all strategies
 * @param slo 4 times the TTFT and twice the TPOT that the best plan gives the mean request on the
 *     idle fleet
 * @param idleShare of the requests that some plan serves inside the SLO when it has nothing else to
 *     do: no plan can have more goodput
 * @param sloRate requests per second that the fleet can serve within the SLO's TPOT at most, see
 *     {@link SloCapacity}
 */
record Reference(double rate, Slo slo, double idleShare, double sloRate) {
  /**
   * An upper bound of goodput at a load: the idle share, and what can be served within the SLO until
   * the last one's time is up. For whoever does not choose requests by their length.
   *
   * @param requests of a simulation
   * @param output mean tokens out
   */
  double goodputBound(double load, int requests, double output) {
    double seconds = requests / (load * rate) + slo.ttftSeconds() + output * slo.tpotSeconds();
    return Math.min(idleShare, sloRate * seconds / requests);
  }
}
