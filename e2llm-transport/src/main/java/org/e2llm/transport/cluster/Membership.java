package org.e2llm.transport.cluster;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.e2llm.plan.PlanOrder;
import org.e2llm.transport.cluster.Effect.Absence;
import org.e2llm.transport.cluster.PeerRecord.Verdict;
import org.jspecify.annotations.Nullable;

/**
 * Who is there. Every peer writes a record of itself, in which it says whom it sees; records spread
 * over all connections, each kept in its newest version; who is there follows from them ({@link
 * View}). So nobody has to be declared dead: whom nobody sees is not there.
 *
 * <p>News goes at once to all who are connected, and is handed on only to those who do not see its
 * writer. What gets lost is mended by comparing versions with one peer after the other.
 */
final class Membership {
  /** Changes within this time are told together. */
  private static final long GATHER = 20_000_000L;

  /** Pause between two contradictions to records of an earlier run. */
  private static final long CONTRADICT = 1_000_000_000L;

  /** So many contradictions are no accident: two processes run with one identity. */
  private static final int CONTESTED = 4;

  private final ClusterTimers timers;
  private final List<Effect> effects;
  private final Records records;
  private final Liveness liveness;
  private final Dialer dialer;
  private final SortedMap<String, Long> absentSince = new TreeMap<>();
  private final Set<String> dropped = new TreeSet<>();
  private final Set<Reason> reasons = new LinkedHashSet<>();
  private PeerInfo info;
  private boolean left;
  private PlanOrder adopted = PlanOrder.NONE;
  private PlanOrder serving = PlanOrder.NONE;
  private Verdict verdict = Verdict.NONE;
  private View view;
  private boolean unsent;
  private long sendAt;
  private long digestAt;
  private String digestTo = "";
  private long contradictAt;
  private int contradictions;
  private boolean full;
  private boolean stale = true;

  Membership(
      String self,
      long incarnation,
      PeerInfo info,
      ClusterTimers timers,
      List<Effect> effects,
      long now) {
    this.timers = timers;
    this.effects = effects;
    this.info = info;
    records = new Records(self, incarnation, info);
    liveness = new Liveness(timers, now);
    dialer = new Dialer(self, timers);
    view = View.of(records.own(), records.others());
    sendAt = now;
    digestAt = now + timers.digest();
    contradictAt = now;
  }

  View view() {
    return view;
  }

  Records records() {
    return records;
  }

  Liveness liveness() {
    return liveness;
  }

  /** What has happened since the reasons were last cleared. */
  Set<Reason> reasons() {
    return reasons;
  }

  // Events.

  void opened(String peer, long now) {
    stale = true;
    liveness.opened(peer, now);
    dialer.forget(peer);
    send(peer, new Message.Digest(false, dropped.remove(peer), records.entries(view)));
  }

  void closed(String peer, long now) {
    stale = true;
    if (records.left(peer)) {
      liveness.forget(peer);
    } else if (liveness.connected(peer)) {
      liveness.closed(peer, now);
      dialer.broken(peer, now);
    }
  }

  void unreachable(String peer, long now) {
    if (liveness.unreachable(peer)) {
      stale = true;
      dropped.add(peer);
    }
    dialer.failed(peer, now);
  }

  void received(String peer, Message.Digest digest) {
    if (digest.dropped()) {
      effects.add(new Effect.Dropped(peer));
    }
    sendRecords(peer, records.newerThan(digest.entries(), view));
    if (!digest.answer() && records.olderThan(digest.entries())) {
      send(peer, new Message.Digest(true, false, records.entries(view)));
    }
  }

  void received(String peer, Message.Update update, long now) {
    List<PeerRecord> news = new ArrayList<>();
    for (PeerRecord record : update.records()) {
      if (record.id().equals(records.own().id())) {
        contradict(record, now);
      } else if (room(record) && records.merge(record)) {
        news.add(record);
        if (record.left()) {
          dialer.forget(record.id());
        }
      } else if (record.id().equals(peer)) {
        informOfItsPast(record);
      }
    }
    handOn(news, peer);
  }

  private void contradict(PeerRecord record, long now) {
    if (!records.contradicts(record) || now < contradictAt) {
      return;
    }
    records.outdo(record);
    unsent = true;
    stale = true;
    contradictAt = now + CONTRADICT;
    if (++contradictions == CONTESTED) {
      effects.add(
          new Effect.Problem(
              "another process seems to use the identity of this peer, "
                  + record.id()
                  + ": give each its own identity folder"));
    }
  }

  private boolean room(PeerRecord record) {
    // This peer itself counts too.
    if (records.get(record.id()) != null || records.others().size() < Limits.PEERS - 1) {
      return true;
    }
    String longest = longestAbsent();
    if (longest != null) {
      forget(longest);
      return true;
    }
    if (!full) {
      full = true;
      effects.add(
          new Effect.Problem(
              "peer "
                  + record.id()
                  + " is ignored: a cluster remembers at most "
                  + Limits.PEERS
                  + " peers"));
    }
    return false;
  }

  private @Nullable String longestAbsent() {
    String longest = null;
    long since = Long.MAX_VALUE;
    for (Map.Entry<String, Long> absent : absentSince.entrySet()) {
      if (absent.getValue() < since && liveness.state(absent.getKey()) == Liveness.State.LOST) {
        longest = absent.getKey();
        since = absent.getValue();
      }
    }
    return longest;
  }

  private void forget(String peer) {
    records.others().remove(peer);
    absentSince.remove(peer);
    dropped.remove(peer);
    dialer.forget(peer);
  }

  /** Started again with a clock that went back, a peer must hear of its own newer record. */
  private void informOfItsPast(PeerRecord record) {
    PeerRecord known = records.get(record.id());
    if (known != null && known.version().compareTo(record.version()) > 0) {
      sendRecords(record.id(), List.of(known));
    }
  }

  private void handOn(List<PeerRecord> news, String from) {
    if (news.isEmpty()) {
      return;
    }
    stale = true;
    for (String peer : liveness.alive()) {
      List<PeerRecord> unknown = new ArrayList<>();
      for (PeerRecord record : news) {
        if (!record.id().equals(peer) && !records.sees(peer, record.id())) {
          unknown.add(record);
        }
      }
      if (!peer.equals(from)) {
        sendRecords(peer, unknown);
      }
    }
  }

  // What this peer says of itself.

  void info(PeerInfo newInfo) {
    info = newInfo;
    stale = true;
  }

  /** False if it is what was said before. */
  boolean status(PlanOrder newAdopted, PlanOrder newServing, Verdict newVerdict) {
    if (newAdopted.equals(adopted) && newServing.equals(serving) && newVerdict.equals(verdict)) {
      return false;
    }
    adopted = newAdopted;
    serving = newServing;
    verdict = newVerdict;
    stale = true;
    return true;
  }

  void leave(long now) {
    left = true;
    rewrite();
    sendAt = now;
    publish(now);
  }

  private void rewrite() {
    List<String> sees = new ArrayList<>();
    for (String peer : liveness.alive()) {
      if (!records.left(peer) && sees.size() < Limits.PEERS) {
        sees.add(peer);
      }
    }
    unsent |= records.write(left, info, sees, adopted, serving, verdict);
  }

  /** Tells the others what has changed here; to be called when an event is dealt with. */
  void publish(long now) {
    if (unsent && now >= sendAt) {
      unsent = false;
      sendAt = now + GATHER;
      for (String peer : liveness.alive()) {
        send(peer, new Message.Update(List.of(records.own())));
      }
    }
  }

  // Time.

  void tick(long now) {
    for (String peer : liveness.tick(now)) {
      stale = true;
      dropped.add(peer);
      dialer.broken(peer, now);
      effects.add(new Effect.Disconnect(peer, "nothing was heard of it"));
    }
    forgetAbsent(now);
    for (String peer : dialer.tick(now)) {
      PeerRecord record = records.get(peer);
      if (record == null) {
        dialer.forget(peer); // it came and went without a word of itself, as a doctor does
      } else if (record.left() || record.info().addresses().isEmpty()) {
        dialer.failed(peer, now);
      } else {
        effects.add(new Effect.Dial(peer, record.info().addresses()));
      }
    }
    if (now >= digestAt) {
      digestAt = now + timers.digest();
      digestTo = next(digestTo);
      send(digestTo, new Message.Digest(false, false, records.entries(view)));
    }
  }

  private void forgetAbsent(long now) {
    for (Map.Entry<String, Long> absent : List.copyOf(absentSince.entrySet())) {
      if (now - absent.getValue() >= timers.memory()
          && liveness.state(absent.getKey()) == Liveness.State.LOST) {
        forget(absent.getKey());
      }
    }
  }

  private String next(String peer) {
    TreeSet<String> connected = new TreeSet<>(liveness.alive());
    @Nullable String higher = connected.higher(peer);
    return higher != null ? higher : connected.isEmpty() ? "" : connected.first();
  }

  /** When {@link #tick} or {@link #publish} has something to do. */
  long nextTick() {
    long next = Math.min(digestAt, Math.min(liveness.nextTick(), dialer.nextTick()));
    return unsent ? Math.min(next, sendAt) : next;
  }

  // Who is there.

  /** Finds who is there now. */
  void refresh(long now) {
    if (!stale) {
      return;
    }
    stale = false;
    rewrite();
    View before = view;
    view = View.of(records.own(), records.others());
    for (View.Member member : before.members().values()) {
      gone(member);
    }
    for (View.Member member : view.members().values()) {
      PeerRecord record = member.record();
      View.Member old = before.members().get(record.id());
      if (old == null || restarted(old.record(), record)) {
        absentSince.remove(record.id());
        effects.add(new Effect.Joined(record));
        reason(Reason.Kind.JOINED, record);
      } else {
        changed(old, member);
      }
    }
    connectAll(now);
  }

  private void gone(View.Member old) {
    PeerRecord record = old.record();
    View.Member member = view.members().get(record.id());
    if (member == null) {
      boolean said = records.left(record.id());
      effects.add(new Effect.Gone(record, said ? Absence.LEFT : Absence.LOST));
      reason(said ? Reason.Kind.LEFT : Reason.Kind.LOST, record);
    } else if (restarted(record, member.record())) {
      effects.add(new Effect.Gone(record, Absence.RESTARTED));
      reason(Reason.Kind.RESTARTED, record);
    }
  }

  private boolean restarted(PeerRecord old, PeerRecord now) {
    return old.version().incarnation() != now.version().incarnation()
        && !now.id().equals(records.own().id());
  }

  private void changed(View.Member old, View.Member member) {
    PeerRecord record = member.record();
    PeerInfo before = old.record().info();
    PeerInfo after = record.info();
    if (!after.equals(before) && !record.id().equals(records.own().id())) {
      effects.add(new Effect.Changed(record));
    }
    if (after.sharing() != before.sharing()) {
      reasons.add(new Reason(Reason.Kind.SHARING, record.id()));
    }
    if (after.profileVersion() != before.profileVersion()) {
      reason(Reason.Kind.PROFILE, record);
    }
    if (after.wishVersion() != before.wishVersion()) {
      reasons.add(new Reason(Reason.Kind.WISH, record.id()));
    }
    if (!member.seenBy().equals(old.seenBy())) {
      reason(Reason.Kind.LINKS, record);
    }
  }

  /** Who neither shares nor wishes changes no plan. */
  private void reason(Reason.Kind kind, PeerRecord record) {
    if (record.info().sharing() == Sharing.ACTIVE || record.info().wishVersion() > 0) {
      reasons.add(new Reason(kind, record.id()));
    }
  }

  private void connectAll(long now) {
    for (PeerRecord record : records.others().values()) {
      String id = record.id();
      if (!view.members().containsKey(id)) {
        absentSince.putIfAbsent(id, now);
      }
      if (!record.left() && liveness.state(id) == Liveness.State.LOST) {
        dialer.want(id, now);
      }
    }
  }

  // Sending.

  private void sendRecords(String peer, List<PeerRecord> list) {
    for (int from = 0; from < list.size(); from += Message.Update.MOST) {
      int to = Math.min(list.size(), from + Message.Update.MOST);
      send(peer, new Message.Update(list.subList(from, to)));
    }
  }

  void send(String peer, Message message) {
    if (liveness.connected(peer)) {
      effects.add(new Effect.Send(peer, message));
    }
  }
}
