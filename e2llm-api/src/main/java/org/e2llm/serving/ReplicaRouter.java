package org.e2llm.serving;

import java.util.Collection;
import java.util.List;
import java.util.function.Predicate;
import java.util.function.ToIntFunction;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.ServingPolicy;
import org.jspecify.annotations.Nullable;

/**
 * Chooses among the replicas of a plan as its {@link Router} does, for one app that sees its own
 * sessions and, of those of others, how many there are.
 *
 * <p>Roles are kept, with two exceptions. A prompt is computed where its session decodes if moving
 * its KV cache would take longer than computing it there: short prompts, slow links, conversations
 * whose host has most of it. And where every replica that decodes is lost, one that computes
 * prompts does both until there is another plan.
 *
 * <p>Keeps no state but what it was made with.
 */
public final class ReplicaRouter implements SessionRouter {
  /** Messages that a hand-off takes before its first bytes: request, answers, first piece. */
  private static final int TRIPS = 3;

  private final ReplicaEstimates estimates;
  private final List<String> hosts;
  private final Predicate<String> up;
  private final ToIntFunction<String> sessions;
  private final Router router;

  /**
   * Of a plan.
   *
   * @param hosts of its replicas, as they are numbered
   * @param up whether the replica of a host is there with all its stages
   * @param sessions that a host has, as far as is known; those of this app among them
   */
  public ReplicaRouter(
      ServingPolicy policy,
      ReplicaEstimates estimates,
      List<String> hosts,
      Predicate<String> up,
      ToIntFunction<String> sessions) {
    if (hosts.size() != estimates.size()) {
      throw new IllegalArgumentException(hosts + " of " + estimates.size() + " replicas");
    }
    this.estimates = estimates;
    this.hosts = List.copyOf(hosts);
    this.up = up;
    this.sessions = sessions;
    this.router = Router.of(policy, estimates);
  }

  @Override
  public @Nullable String host(Request request, Collection<Placed> others) {
    Router.Route route =
        router.route(request.promptTokens(), request.maxTokens(), loads(request, others));
    return route == null ? null : hosts.get(route.decode());
  }

  @Override
  public @Nullable String promptHost(String host, Request request, Collection<Placed> others) {
    int d = hosts.indexOf(host);
    // The last token of a prompt is fed where it decodes.
    int tokens = request.promptTokens() - 1;
    if (d < 0 || tokens < 1 || request.heldTokens() >= tokens) {
      return null;
    }
    ReplicaLoads loads = loads(request, others);
    Router.Route route = router.route(request.promptTokens(), request.maxTokens(), loads);
    if (route != null && route.decode() != d) {
      for (int r = 0; r < hosts.size(); r++) {
        if (r != d && estimates.role(r) != Role.PREFILL) {
          loads.up(r, false);
        }
      }
      route = router.route(request.promptTokens(), request.maxTokens(), loads);
    }
    if (route == null || route.decode() != d || route.prefill() == d) {
      return null;
    }
    int p = route.prefill();
    boolean ofRoles =
        estimates.role(p) == Role.PREFILL
            || (estimates.role(p) == Role.MIXED && estimates.role(d) == Role.DECODE);
    return ofRoles && pays(p, d, tokens, loads) ? hosts.get(p) : null;
  }

  /** Whether moving the KV cache takes less than computing it where it is needed. */
  private boolean pays(int p, int d, int tokens, ReplicaLoads loads) {
    double here =
        estimates.prefillSeconds(d, tokens, loads.decoding(d)) + estimates.fillSeconds(d, tokens);
    double moving =
        estimates.handoffSeconds(p, d, tokens) + TRIPS * estimates.handoffSeconds(p, d, 0);
    return here == 0 || moving < here; // of a plan without expectations only the roles are known
  }

  /** Of sessions of others only the number is known: their prompts are taken to be as this one. */
  private ReplicaLoads loads(Request request, Collection<Placed> others) {
    ReplicaLoads loads = new ReplicaLoads(estimates);
    int[] own = new int[hosts.size()];
    for (Placed placed : others) {
      add(loads, own, placed);
    }
    int prompt = request.promptTokens() + request.heldTokens();
    for (int r = 0; r < hosts.size(); r++) {
      loads.up(r, up.test(hosts.get(r)));
      int strangers = Math.max(0, sessions.applyAsInt(hosts.get(r)) - own[r]);
      if (estimates.role(r) == Role.PREFILL) {
        double seconds = estimates.prefillSeconds(r, prompt, 0);
        loads.prefill(r, strangers * seconds, (long) strangers * prompt);
      } else {
        loads.bound(r, strangers, prompt, prompt + request.maxTokens());
        loads.decoding(r, strangers);
      }
    }
    return loads;
  }

  private void add(ReplicaLoads loads, int[] own, Placed placed) {
    int d = hosts.indexOf(placed.host());
    if (d < 0) {
      return; // of a plan before
    }
    Request request = placed.request();
    int known = request.promptTokens() + request.heldTokens();
    own[d]++;
    loads.bound(d, 1, known, known + request.maxTokens());
    if (placed.decodes()) {
      loads.decoding(d, 1);
      return;
    }
    int p = placed.promptHost() == null ? d : hosts.indexOf(placed.promptHost());
    if (p == d) {
      int prompt = request.promptTokens();
      loads.prefill(d, estimates.prefillSeconds(d, prompt, 0), prompt);
    } else if (p >= 0) {
      own[p]++;
      loads.prefill(p, estimates.prefillSeconds(p, known, 0), known);
      loads.passing(p, known);
      loads.handoff(p, d, request.promptTokens(), 1);
    }
  }
}
