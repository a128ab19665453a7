package org.e2llm.transport.cluster;

import java.util.List;
import org.e2llm.plan.PlanOrder;

/** What {@link LocalPeer} wants done, or has found, in order. */
public sealed interface Effect {
  /** Send it on the HOT connection to the peer, if there is one; it may get lost. */
  record Send(String peer, Message message) implements Effect {}

  /**
   * Connect to the peer at any of the addresses; {@link LocalPeer#opened} or {@link
   * LocalPeer#unreachable} must follow. Nothing is to be done if the peer is connected.
   */
  record Dial(String peer, List<String> addresses) implements Effect {}

  /** Close all connections to the peer. */
  record Disconnect(String peer, String reason) implements Effect {}

  /** Somebody is there who was not. */
  record Joined(PeerRecord peer) implements Effect {}

  /** What somebody who is there says of itself has changed. */
  record Changed(PeerRecord peer) implements Effect {}

  /** Somebody is there no more; work that waits for it must be done otherwise. */
  record Gone(PeerRecord peer, Absence absence) implements Effect {}

  /** Why somebody is there no more. */
  enum Absence {
    /** It said good-bye. */
    LEFT,
    /** Nothing is heard of it. */
    LOST,
    /** It is there again as a new process, which knows nothing of the sessions of the old one. */
    RESTARTED
  }

  /**
   * The peer had given up this one and takes it back: sessions that it calls here were freed or
   * will be, plans have gone on. Nothing needs to be undone.
   */
  record Dropped(String peer) implements Effect {}

  /** The peer who coordinates from here on. */
  record CoordinatorIs(String peer) implements Effect {}

  /**
   * This peer coordinates: find a plan for {@link LocalPeer#view}. One of {@link
   * LocalPeer#planned}, {@link LocalPeer#keep} or {@link LocalPeer#impossible} must follow; the
   * answer to an older number is ignored.
   */
  record MakePlan(long number, List<Reason> reasons) implements Effect {}

  /**
   * The plan is in force for new sessions once it is ready; prepare the stage it gives this peer.
   */
  record Adopt(PublishedPlan plan) implements Effect {}

  /** Every device of the plan serves its stage: new sessions use it. */
  record Ready(PlanOrder plan) implements Effect {}

  /** Nothing refers to the plan any more: what only it needs can go. */
  record Retire(PlanOrder plan) implements Effect {}

  /** Nothing that is left can serve the model. */
  record Impossible(String reason) implements Effect {}

  /** The plan that this app forced has given way to one that the peer's app forced. */
  record ForceEnded(String peer) implements Effect {}

  /** Something that needs somebody; said once per fact. */
  record Problem(String text) implements Effect {}
}
