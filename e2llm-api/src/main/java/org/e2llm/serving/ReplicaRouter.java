package org.e2llm.serving;

import java.util.Collection;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.ServingPolicy;
import org.jspecify.annotations.Nullable;

/**
 * Chooses among the replicas of a plan as its {@link Router} does, for one app that sees its own
 * sessions and, of those of others, how many there are. What it sees of others is a second old, and
 * requests come and go: a session that waits may go to a host at which nobody does.
 *
 * <p>Roles are kept unless the policy lets them spill, with two exceptions. A prompt is computed
 * where its session decodes if moving its KV cache would take longer than computing it there: short
 * prompts, slow links, conversations whose host has most of it. And where every replica that
 * decodes is lost, one that computes prompts does both until there is another plan.
 *
 * <p>Keeps no state but what it was made with.
 */
public final class ReplicaRouter implements SessionRouter {
  /**
   * Sessions of all apps on a host, as far as is known.
   *
   * @param begun those for which it computes
   * @param waiting those that have not begun
   */
  public record HostLoad(int begun, int waiting) {
    /** Nothing is known of it, or nobody is there. */
    public static final HostLoad NONE = new HostLoad(0, 0);
  }

  /** Messages that a hand-off takes before its first bytes: request, answers, first piece. */
  private static final int TRIPS = 3;

  private final ReplicaEstimates estimates;
  private final List<String> hosts;
  private final Predicate<String> up;
  private final Function<String, HostLoad> told;
  private final Router router;

  /** Whether a replica may do the phase that is not its role. */
  private final boolean spills;

  /**
   * Of a plan.
   *
   * @param hosts of its replicas, as they are numbered
   * @param up whether the replica of a host is there with all its stages
   * @param told what a host has said; sessions of this app are among those that it counts
   */
  public ReplicaRouter(
      ServingPolicy policy,
      ReplicaEstimates estimates,
      List<String> hosts,
      Predicate<String> up,
      Function<String, HostLoad> told) {
    if (hosts.size() != estimates.size()) {
      throw new IllegalArgumentException(hosts + " of " + estimates.size() + " replicas");
    }
    this.estimates = estimates;
    this.hosts = List.copyOf(hosts);
    this.up = up;
    this.told = told;
    this.router = Router.of(policy, estimates);
    this.spills = policy.spills();
  }

  @Override
  public @Nullable String host(Request request, Collection<Placed> others) {
    Router.Route route =
        router.route(request.promptTokens(), request.maxTokens(), loads(request, null, others));
    return route == null ? null : hosts.get(route.decode());
  }

  @Override
  public @Nullable String betterHost(String host, Request request, Collection<Placed> others) {
    ReplicaLoads loads = loads(request, host, others);
    Router.Route route = router.route(request.promptTokens(), request.maxTokens(), loads);
    String better = route == null ? host : hosts.get(route.decode());
    return better.equals(host) || isAwaited(better, others) ? null : better;
  }

  private boolean isAwaited(String host, Collection<Placed> others) {
    return told.apply(host).waiting() > 0
        || others.stream()
            .anyMatch(each -> each.host().equals(host) && each.phase() == Phase.WAITS);
  }

  @Override
  public @Nullable String promptHost(String host, Request request, Collection<Placed> others) {
    int d = hosts.indexOf(host);
    // The last token of a prompt is fed where it decodes.
    int tokens = request.promptTokens() - 1;
    if (d < 0 || tokens < 1 || request.heldTokens() >= tokens) {
      return null;
    }
    ReplicaLoads loads = loads(request, null, others);
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
    boolean may =
        spills
            || estimates.role(p) == Role.PREFILL
            || (estimates.role(p) == Role.MIXED && estimates.role(d) == Role.DECODE);
    return may && pays(p, d, tokens, loads) ? hosts.get(p) : null;
  }

  /** Whether moving the KV cache takes less than computing it where it is needed. */
  private boolean pays(int p, int d, int tokens, ReplicaLoads loads) {
    double here =
        estimates.prefillSeconds(d, tokens, loads.decoding(d)) + estimates.fillSeconds(d, tokens);
    double moving =
        estimates.handoffSeconds(p, d, tokens) + TRIPS * estimates.handoffSeconds(p, d, 0);
    return here == 0 || moving < here; // of a plan without expectations only the roles are known
  }

  /**
   * Of sessions of others only the number is known: their prompts are taken to be as this one.
   *
   * @param at where the session itself is counted, or null
   */
  private ReplicaLoads loads(Request request, @Nullable String at, Collection<Placed> others) {
    ReplicaLoads loads = new ReplicaLoads(estimates);
    int[] own = new int[hosts.size()];
    int here = at == null ? -1 : hosts.indexOf(at);
    if (here >= 0) {
      own[here]++;
    }
    for (Placed placed : others) {
      add(loads, own, placed);
    }
    int prompt = request.promptTokens() + request.heldTokens();
    for (int r = 0; r < hosts.size(); r++) {
      loads.up(r, up.test(hosts.get(r)));
      HostLoad all = told.apply(hosts.get(r));
      int strangers = Math.max(0, all.begun() + all.waiting() - own[r]);
      if (estimates.role(r) == Role.PREFILL) {
        double seconds = estimates.prefillSeconds(r, prompt, 0);
        loads.prefill(r, strangers * seconds, (long) strangers * prompt);
      } else {
        loads.bound(r, strangers, prompt, prompt + loads.likelyOutput(request.maxTokens()));
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
    loads.bound(d, 1, known, known + loads.likelyOutput(request.maxTokens()));
    if (placed.phase() == Phase.DECODES) {
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
