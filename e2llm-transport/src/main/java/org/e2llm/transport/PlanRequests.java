package org.e2llm.transport;

import java.util.List;
import java.util.concurrent.Executor;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.e2llm.E2llmException;
import org.e2llm.PlanCancelledException;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanListener;
import org.e2llm.transport.cluster.LocalPeer;
import org.e2llm.transport.cluster.PublishedPlan;
import org.e2llm.transport.cluster.Reason;
import org.e2llm.transport.cluster.View;
import org.jspecify.annotations.Nullable;

/**
 * Has a plan made whenever {@link LocalPeer} asks for one, in the background because that takes a
 * while, and tells it what came of it. Belongs to the thread of {@link ClusterPeer}.
 */
final class PlanRequests {
  private static final Logger LOG = Logger.getLogger(PlanRequests.class.getName());

  private static final long NOBODY = -1;

  private final LocalPeer peer;
  private final OwnInfo own;
  private final PlanDesk desk;
  private final ClusterThread thread;
  private final Executor background;

  /** The last request: whoever is asked again need not answer what was asked before. */
  private volatile long newest;

  /**
   * Makes none yet.
   *
   * @param own asks for another plan where one is for now only
   * @param background where plans are made
   */
  PlanRequests(
      LocalPeer peer, OwnInfo own, PlanDesk desk, ClusterThread thread, Executor background) {
    this.peer = peer;
    this.own = own;
    this.desk = desk;
    this.thread = thread;
    this.background = background;
  }

  /**
   * Begins.
   *
   * @param number of the request, which the answer names
   * @param last the plan in force, or null
   */
  void make(long number, List<Reason> reasons, @Nullable Plan last) {
    LOG.log(Level.CONFIG, "a plan is made: {0}", reasons);
    View view = peer.view();
    PublishedPlan current = peer.plan();
    boolean forced = current != null && current.forced();
    newest = number;
    boolean wished = reasons.stream().anyMatch(each -> each.kind() == Reason.Kind.WISH);
    background.execute(() -> make(number, view, last, forced, wished));
  }

  private void make(long number, View view, @Nullable Plan last, boolean forced, boolean wished) {
    try {
      PlanDesk.Answer answer = desk.plan(view, last, forced, wished, whileNewest(number));
      if (answer == null || answer.plan() == last) {
        thread.run(() -> peer.keep(number, thread.now()));
        return;
      }
      PublishedPlan.Draft draft = PublishedPlans.draft(answer.plan());
      thread.run(() -> made(number, draft, answer.forNow()));
    } catch (PlanCancelledException e) {
      LOG.log(Level.FINE, "another plan was asked for meanwhile");
    } catch (E2llmException e) {
      String why = String.valueOf(e.getMessage());
      thread.run(() -> peer.impossible(number, why, thread.now()));
    } catch (RuntimeException e) {
      LOG.log(Level.SEVERE, "planning failed", e);
      thread.run(() -> peer.keep(number, thread.now()));
    }
  }

  /** Nobody waits for an answer any more. */
  void close() {
    newest = NOBODY;
  }

  private PlanListener whileNewest(long number) {
    return new PlanListener() {
      @Override
      public boolean isCancelled() {
        return number != newest;
      }
    };
  }

  /**
   * A plan was made.
   *
   * @param forNow another one is to be made as soon as things have settled
   */
  private void made(long number, PublishedPlan.Draft draft, boolean forNow) {
    PublishedPlan inForce = peer.plan();
    if (inForce != null && inForce.draft().hash().equals(draft.hash())) {
      peer.keep(number, thread.now());
    } else {
      peer.planned(number, draft, thread.now());
    }
    if (forNow) {
      own.planAnew();
    }
  }
}
