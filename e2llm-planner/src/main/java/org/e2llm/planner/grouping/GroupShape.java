package org.e2llm.planner.grouping;

import java.util.List;
import org.e2llm.model.LayerRange;

/**
 * How a group would serve in one role: its cut, and what follows from it. By position in the group,
 * so that groups of equal devices share it.
 *
 * @param layers per position; empty for a device that is better passed over
 * @param rate requests per second in the role; for latency, one over the seconds of a request
 * @param kvShare per shared medium: the part of the layers whose owners are on it
 * @param crossings per shared medium: how many of the links between stages cross it
 * @param estimate times and rates
 */
record GroupShape(
    List<LayerRange> layers,
    double rate,
    double[] kvShare,
    int[] crossings,
    ReplicaEstimate estimate) {}
