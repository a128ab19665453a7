package org.e2llm.transport.cluster;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.e2llm.plan.PlanOrder;
import org.jspecify.annotations.Nullable;

/**
 * Who is there, as one peer sees it: everybody to whom a chain of links leads from here. Two peers
 * are linked if both say that they see each other, so that all peers of a cluster find the same.
 * Immutable.
 */
public final class View {
  /**
   * One who is there.
   *
   * @param direct linked with this peer (or this peer itself)
   * @param seenBy those who are linked with it, sorted
   */
  public record Member(PeerRecord record, boolean direct, List<String> seenBy) {}

  private final String self;
  private final SortedMap<String, Member> members;
  private final PlanOrder highestPlan;
  private final long basis;

  private View(String self, SortedMap<String, Member> members) {
    this.self = self;
    this.members = Collections.unmodifiableSortedMap(members);
    PlanOrder highest = PlanOrder.NONE;
    for (Member member : members.values()) {
      PlanOrder adopted = member.record().adopted();
      highest = adopted.compareTo(highest) > 0 ? adopted : highest;
    }
    this.highestPlan = highest;
    this.basis = basisOf(members);
  }

  /**
   * @param self record of this peer
   * @param others newest known records of the others
   */
  static View of(PeerRecord self, Map<String, PeerRecord> others) {
    SortedMap<String, List<String>> links = new TreeMap<>();
    Deque<PeerRecord> next = new ArrayDeque<>();
    links.put(self.id(), new ArrayList<>());
    next.add(self);
    while (!next.isEmpty()) {
      PeerRecord from = next.remove();
      for (String id : from.sees()) {
        PeerRecord to = id.equals(self.id()) ? self : others.get(id);
        if (to == null || to.left() || from.left() || !to.sees().contains(from.id())) {
          continue;
        }
        List<String> seenBy = links.get(id);
        if (seenBy == null) {
          seenBy = new ArrayList<>();
          links.put(id, seenBy);
          next.add(to);
        }
        seenBy.add(from.id());
      }
    }
    SortedMap<String, Member> members = new TreeMap<>();
    for (Map.Entry<String, List<String>> entry : links.entrySet()) {
      String id = entry.getKey();
      List<String> seenBy = entry.getValue();
      Collections.sort(seenBy);
      PeerRecord record = id.equals(self.id()) ? self : known(others.get(id));
      boolean direct = id.equals(self.id()) || seenBy.contains(self.id());
      members.put(id, new Member(record, direct, List.copyOf(seenBy)));
    }
    return new View(self.id(), members);
  }

  private static PeerRecord known(@Nullable PeerRecord record) {
    if (record == null) {
      throw new IllegalStateException("a member without a record");
    }
    return record;
  }

  /** Id of this peer. */
  public String self() {
    return self;
  }

  /** Those who are there by id, this peer among them. */
  public SortedMap<String, Member> members() {
    return members;
  }

  /** The highest plan that somebody who is there has. */
  public PlanOrder highestPlan() {
    return highestPlan;
  }

  /** Whether two who are there reach each other directly; everybody reaches itself. */
  public boolean linked(String a, String b) {
    Member member = members.get(a);
    return member != null && (a.equals(b) || member.seenBy().contains(b));
  }

  /**
   * All that a plan depends on, as one number: who shares, in which version of profile, who wishes
   * what, and which of the sharing do not reach each other. Views of equal basis want equal plans.
   */
  public long basis() {
    return basis;
  }

  private static long basisOf(SortedMap<String, Member> members) {
    // FNV-1a over a canonical text. Only honest members are compared: nobody gains by a collision.
    long hash = 0xcbf29ce484222325L;
    Collection<Member> all = members.values();
    for (Member member : all) {
      PeerInfo info = member.record().info();
      boolean shares = info.sharing() == Sharing.ACTIVE;
      if (!shares && info.wishVersion() == 0) {
        continue;
      }
      String id = member.record().id();
      hash = mix(mix(hash, id), info.wishVersion());
      if (shares) {
        hash = mix(hash, info.profileVersion() + 1);
        for (Member other : all) {
          if (other != member
              && other.record().info().sharing() == Sharing.ACTIVE
              && !member.seenBy().contains(other.record().id())) {
            hash = mix(mix(hash, -1), other.record().id());
          }
        }
      }
    }
    return hash;
  }

  private static long mix(long hash, String text) {
    for (int i = 0; i < text.length(); i++) {
      hash = (hash ^ text.charAt(i)) * 0x100000001b3L;
    }
    return mix(hash, text.length());
  }

  private static long mix(long hash, long value) {
    for (int shift = 0; shift < 64; shift += 16) {
      hash = (hash ^ ((value >>> shift) & 0xffff)) * 0x100000001b3L;
    }
    return hash;
  }

  @Override
  public String toString() {
    return self + " sees " + members.keySet() + ", highest plan " + highestPlan;
  }
}
