package org.e2llm.transport.cluster;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.e2llm.InvalidRequestException;
import org.e2llm.plan.PlanOrder;

/**
 * A plan as the cluster hands it on.
 *
 * @param order which of two plans is in force
 * @param forced an app wants it so; it outranks computed plans until withdrawn
 * @param basis {@link View#basis} it was made for
 * @param draft the plan itself
 */
public record PublishedPlan(PlanOrder order, boolean forced, long basis, Draft draft) {
  /**
   * A plan without an order.
   *
   * @param hash of its content
   * @param chains the devices of each replica in the order of their stages; each must reach the
   *     next, and the last the first
   * @param content not read here; without the order, at most 512 KiB
   */
  public record Draft(String hash, List<List<String>> chains, Bytes content) {
    public Draft {
      Limits.token("hash of a plan", hash);
      int devices = 0;
      for (List<String> chain : chains) {
        if (chain.isEmpty()) {
          throw new InvalidRequestException("a replica of a plan has no device");
        }
        for (String device : chain) {
          Limits.token("device of a plan", device);
          devices++;
        }
      }
      if (devices == 0) {
        throw new InvalidRequestException("a plan has no replica");
      }
      Limits.atMost("devices of a plan", devices, Limits.PEERS);
      Limits.atMost("bytes of a plan", content.length(), Limits.PLAN);
      chains =
          chains.stream()
              .map(List::copyOf)
              .collect(java.util.stream.Collectors.toUnmodifiableList());
    }

    /** All devices with a stage. */
    public Set<String> devices() {
      Set<String> devices = new LinkedHashSet<>();
      chains.forEach(devices::addAll);
      return devices;
    }

    /** Why it cannot work with those who are there, or empty if it can. */
    String obstacle(View view) {
      for (List<String> chain : chains) {
        for (int i = 0; i < chain.size(); i++) {
          String device = chain.get(i);
          View.Member member = view.members().get(device);
          if (member == null) {
            return device + " is not there";
          }
          if (member.record().info().sharing() != Sharing.ACTIVE) {
            return device + " shares nothing now";
          }
          String next = chain.get((i + 1) % chain.size());
          if (!next.equals(device)
              && view.members().containsKey(next)
              && !view.linked(device, next)) {
            return device + " and " + next + " do not reach each other";
          }
        }
      }
      return "";
    }
  }

  public PublishedPlan {
    PeerRecord.check(order);
    Limits.token("coordinator of a plan", order.coordinator());
    Limits.check("counter of a plan", order.counter());
    if (order.counter() == 0 || !order.hash().equals(draft.hash())) {
      throw new InvalidRequestException(
          "a plan has the order "
              + order
              + ", expected is a counter from 1 on and its hash "
              + draft.hash());
    }
  }

  /** Who made it. */
  public String coordinator() {
    return order.coordinator();
  }
}
