package org.e2llm.transport.cluster;

import java.util.List;
import org.e2llm.plan.PlanOrder;

/**
 * What peers tell each other about the cluster. Any of it may be lost, late, doubled or reordered.
 */
public sealed interface Message {
  /** What a {@link Digest} has of one peer. */
  record Entry(String id, Version version) {
    public Entry {
      Limits.token("id of a peer", id);
    }
  }

  /**
   * The versions of all records of those the sender counts as there. Who gets it sends what is
   * newer on its side.
   *
   * @param answer it answers a digest: it is not answered by another
   * @param dropped the sender had given up the receiver since they last were connected
   */
  record Digest(boolean answer, boolean dropped, List<Entry> entries) implements Message {
    public Digest {
      entries = List.copyOf(entries);
      Limits.atMost("entries of a digest", entries.size(), Limits.PEERS);
    }
  }

  /** Newer records. */
  record Update(List<PeerRecord> records) implements Message {
    /** Keeps an update far below a frame's limit, whatever is in the records. */
    public static final int MOST = 8;

    public Update {
      records = List.copyOf(records);
      Limits.atMost("records of an update", records.size(), MOST);
    }
  }

  /** Asks for the plan of this order. */
  record PlanRequest(PlanOrder order) implements Message {
    public PlanRequest {
      PeerRecord.check(order);
    }
  }

  /** A plan, as asked for. */
  record PlanAnswer(PublishedPlan plan) implements Message {}
}
