package org.e2llm.transport.cluster;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.e2llm.plan.PlanOrder;
import org.e2llm.transport.cluster.PeerRecord.Verdict;
import org.jspecify.annotations.Nullable;

/**
 * The newest known record of every peer: this one's, which it alone writes, and those of the
 * others. Where two peers compare what they have, both end up with the newer of each.
 */
final class Records {
  private final SortedMap<String, PeerRecord> others = new TreeMap<>();
  private PeerRecord own;

  Records(String self, long incarnation, PeerInfo info) {
    own =
        new PeerRecord(
            self,
            new Version(incarnation, 0),
            false,
            info,
            List.of(),
            PlanOrder.NONE,
            PlanOrder.NONE,
            Verdict.NONE);
  }

  PeerRecord own() {
    return own;
  }

  SortedMap<String, PeerRecord> others() {
    return others;
  }

  @Nullable PeerRecord get(String id) {
    return id.equals(own.id()) ? own : others.get(id);
  }

  boolean left(String id) {
    PeerRecord record = get(id);
    return record != null && record.left();
  }

  /** Whether the peer says that it is connected to the other. */
  boolean sees(String peer, String other) {
    PeerRecord record = get(peer);
    return record != null && record.sees().contains(other);
  }

  /** Makes a new version of this peer's record; false if it would say the same as before. */
  boolean write(
      boolean left,
      PeerInfo info,
      List<String> sees,
      PlanOrder adopted,
      PlanOrder serving,
      Verdict verdict) {
    if (left == own.left()
        && info.equals(own.info())
        && sees.equals(own.sees())
        && adopted.equals(own.adopted())
        && serving.equals(own.serving())
        && verdict.equals(own.verdict())) {
      return false;
    }
    Version next = new Version(own.version().incarnation(), own.version().revision() + 1);
    own = new PeerRecord(own.id(), next, left, info, sees, adopted, serving, verdict);
    return true;
  }

  /** Whether somebody tells of this peer what it has not said in this run: an earlier run did. */
  boolean contradicts(PeerRecord record) {
    int newer = record.version().compareTo(own.version());
    return record.id().equals(own.id()) && (newer > 0 || (newer == 0 && !record.equals(own)));
  }

  /** Makes this peer's record newer than the one that contradicts it. */
  void outdo(PeerRecord record) {
    Version next = new Version(record.version().incarnation() + 1, 0);
    own =
        new PeerRecord(
            own.id(),
            next,
            own.left(),
            own.info(),
            own.sees(),
            own.adopted(),
            own.serving(),
            own.verdict());
  }

  /** Keeps the record of another peer if it is news. */
  boolean merge(PeerRecord record) {
    PeerRecord known = others.get(record.id());
    if (known != null && record.version().compareTo(known.version()) <= 0) {
      return false;
    }
    others.put(record.id(), record);
    return true;
  }

  /** The versions of those who are there. */
  List<Message.Entry> entries(View view) {
    List<Message.Entry> entries = new ArrayList<>();
    for (String id : view.members().keySet()) {
      PeerRecord record = get(id);
      if (record != null) {
        entries.add(new Message.Entry(id, record.version()));
      }
    }
    return entries;
  }

  /**
   * What the sender of the entries lacks: newer versions, also of those who are not there, and
   * those who are there for us and not for it.
   */
  List<PeerRecord> newerThan(List<Message.Entry> entries, View view) {
    List<PeerRecord> newer = new ArrayList<>();
    Set<String> mentioned = new HashSet<>();
    for (Message.Entry entry : entries) {
      mentioned.add(entry.id());
      PeerRecord mine = get(entry.id());
      if (mine != null && mine.version().compareTo(entry.version()) > 0) {
        newer.add(mine);
      }
    }
    for (Map.Entry<String, View.Member> member : view.members().entrySet()) {
      PeerRecord mine = get(member.getKey());
      if (mine != null && !mentioned.contains(member.getKey())) {
        newer.add(mine);
      }
    }
    return newer;
  }

  /** Whether the sender of the entries has news for us. */
  boolean olderThan(List<Message.Entry> entries) {
    for (Message.Entry entry : entries) {
      PeerRecord mine = get(entry.id());
      if (mine == null || mine.version().compareTo(entry.version()) < 0) {
        return true;
      }
    }
    return false;
  }
}
