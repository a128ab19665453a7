package org.e2llm.transport.cluster;

import java.util.List;
import org.e2llm.plan.PlanOrder;

/**
 * All that the cluster knows of a peer. The peer alone writes it; the others hand it on and keep
 * the newest version. So it spreads whatever is lost, late or doubled on the way.
 *
 * @param id of the peer: the first 32 hex digits of its certificate's SHA-256
 * @param left it has left in good order
 * @param sees the peers it has a connection to, sorted
 * @param adopted the highest plan it knows, and has at hand
 * @param serving the highest plan of which it serves its stage, if it has one in it
 * @param verdict why no plan is possible, if it coordinates and found that
 */
public record PeerRecord(
    String id,
    Version version,
    boolean left,
    PeerInfo info,
    List<String> sees,
    PlanOrder adopted,
    PlanOrder serving,
    Verdict verdict) {
  /**
   * That no plan is possible, and for whom.
   *
   * @param basis {@link View#basis} it was found for
   * @param reason what is missing; empty if there is no verdict
   */
  public record Verdict(long basis, String reason) {
    public static final Verdict NONE = new Verdict(0, "");

    public Verdict {
      Limits.text("reason", reason, Limits.TEXT);
    }
  }

  public PeerRecord {
    sees = List.copyOf(sees);
    Limits.token("id of a peer", id);
    Limits.atMost("peers seen by a peer", sees.size(), Limits.PEERS);
    for (String seen : sees) {
      Limits.token("id of a peer", seen);
    }
    check(adopted);
    check(serving);
  }

  static void check(PlanOrder order) {
    Limits.check("counter of a plan", order.counter());
    Limits.text("coordinator of a plan", order.coordinator(), Limits.TOKEN);
    Limits.text("hash of a plan", order.hash(), Limits.TOKEN);
  }
}
