package org.e2llm.samples.study;

import org.e2llm.plan.Slo;

/**
 * What all cells of a setting are measured against.
 *
 * @param rate λ1, requests per second: the highest saturated throughput among all strategies
 * @param slo 4 times the TTFT and twice the TPOT that the best plan gives the mean request on the
 *     idle fleet
 */
public record Reference(double rate, Slo slo) {}
