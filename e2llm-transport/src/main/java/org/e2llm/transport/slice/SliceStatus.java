package org.e2llm.transport.slice;

import java.util.List;

/**
 * An exchange at a moment.
 *
 * @param plan how far the plan's bytes are
 * @param standby how far those beside the plan are
 * @param withoutHolder layers of the plan of which something is missing that no peer at hand has
 * @param leavesFetched taken from peers, verified and written
 * @param bytesFetched of those leaves
 * @param bytesRepeated that came although another peer had sent them first
 * @param leavesServed sent to peers
 * @param bytesServed of those leaves
 * @param excluded peers that sent wrong bytes
 */
public record SliceStatus(
    SliceProgress plan,
    SliceProgress standby,
    List<Integer> withoutHolder,
    long leavesFetched,
    long bytesFetched,
    long bytesRepeated,
    long leavesServed,
    long bytesServed,
    List<String> excluded) {
  public SliceStatus {
    withoutHolder = List.copyOf(withoutHolder);
    excluded = List.copyOf(excluded);
  }
}
