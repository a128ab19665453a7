package org.e2llm.serving;

import java.util.function.IntPredicate;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.ServingPolicy;
import org.jspecify.annotations.Nullable;

/**
 * The cluster scheduler of Splitwise (Patel et al., ISCA'24, arXiv 2311.18677, section IV-A): a
 * prompt goes where the fewest prompt tokens are pending, its answer where the least KV memory is
 * reserved; how fast a replica is does not matter.
 *
 * <p>PREFILL replicas are the prompt pool, DECODE replicas the token pool, MIXED ones the mixed
 * pool, where both phases stay together. With the mixed pool on, a queue that is longer than a
 * threshold sends new work to the mixed pool, and if that is full too, pulls a replica of the other
 * pool into it, where it stays until its foreign work is done; meanwhile its own pool sends it
 * nothing new if there is another. With it off, each phase takes its own pool and the MIXED
 * replicas as one.
 */
final class ShortestQueue implements Router {
  /** Pending prompt tokens above which a replica counts as full: two of Splitwise's batches. */
  static final long PROMPT_OVERFLOW = 2 * 2048;

  private final ServingPolicy policy;
  private final ReplicaEstimates estimates;

  ShortestQueue(ServingPolicy policy, ReplicaEstimates estimates) {
    this.policy = policy;
    this.estimates = estimates;
  }

  @Override
  public @Nullable Route route(int promptTokens, int maxTokens, ReplicaLoads loads) {
    int most = promptTokens + maxTokens;
    int p = promptReplica(promptTokens, most, loads);
    if (p < 0) {
      return null;
    }
    if (mixed(p, loads) && most <= estimates.kvTokens(p)) {
      return new Route(p, p);
    }
    int likely = promptTokens + loads.likelyOutput(maxTokens);
    int d = tokenReplica(p, most, likely, r -> true, loads);
    return d < 0 ? null : new Route(p, d);
  }

  @Override
  public int bind(Bound session, IntPredicate room, ReplicaLoads loads) {
    int p = session.route().prefill();
    int now = session.route().decode();
    if (p == now && room.test(p)) {
      return p;
    }
    int most = session.promptTokens() + session.maxTokens();
    int likely = session.promptTokens() + loads.likelyOutput(session.maxTokens());
    return tokenReplica(p, most, likely, room, loads);
  }

  /** Where both phases go together: in the mixed pool, or pulled into it. */
  private boolean mixed(int r, ReplicaLoads loads) {
    return estimates.role(r) == Role.MIXED
        || (policy.mixedPool() && estimates.role(r) == Role.DECODE);
  }

  private int promptReplica(int promptTokens, int most, ReplicaLoads loads) {
    int own = -1;
    int mixed = -1;
    int other = -1;
    for (int r = 0; r < estimates.size(); r++) {
      Role role = estimates.role(r);
      int needed = role == Role.PREFILL ? promptTokens : most;
      if (!loads.up(r) || needed > estimates.kvTokens(r)) {
        continue;
      }
      if (role == Role.PREFILL) {
        own = fewerPrompts(own, r, loads);
      } else if (role == Role.MIXED) {
        mixed = fewerPrompts(mixed, r, loads);
      } else {
        other = fewerPrompts(other, r, loads);
      }
    }
    if (!policy.mixedPool()) {
      int chosen = own < 0 ? mixed : mixed < 0 ? own : fewerPrompts(own, mixed, loads);
      return chosen >= 0 ? chosen : other; // every replica of its own pools is down
    }
    for (int r : new int[] {own, mixed, other}) {
      if (r >= 0 && loads.promptTokens(r) <= PROMPT_OVERFLOW) {
        return r;
      }
    }
    return own >= 0 ? own : mixed >= 0 ? mixed : other;
  }

  /** The one with fewer pending prompt tokens; one that does foreign work only if it must. */
  private static int fewerPrompts(int a, int b, ReplicaLoads loads) {
    if (a < 0 || b < 0) {
      return Math.max(a, b);
    }
    boolean pulledA = loads.foreign(a) > 0;
    boolean pulledB = loads.foreign(b) > 0;
    if (pulledA != pulledB) {
      return pulledA ? b : a;
    }
    return loads.promptTokens(b) < loads.promptTokens(a) ? b : a;
  }

  private int tokenReplica(int p, int most, int likely, IntPredicate room, ReplicaLoads loads) {
    int own = -1;
    int mixed = -1;
    int other = -1;
    for (int r = 0; r < estimates.size(); r++) {
      if (!loads.up(r)
          || most > estimates.kvTokens(r)
          || !room.test(r)
          || (p != r && estimates.handoffSeconds(p, r, 1) == Double.POSITIVE_INFINITY)) {
        continue;
      }
      Role role = estimates.role(r);
      if (role == Role.DECODE) {
        own = lessPromised(own, r, loads);
      } else if (role == Role.MIXED) {
        mixed = lessPromised(mixed, r, loads);
      } else {
        other = lessPromised(other, r, loads);
      }
    }
    if (!policy.mixedPool()) {
      int chosen = own < 0 ? mixed : mixed < 0 ? own : lessPromised(own, mixed, loads);
      return chosen >= 0 ? chosen : other;
    }
    for (int r : new int[] {own, mixed, other}) {
      if (r >= 0 && loads.promisedTokens(r) + likely <= estimates.kvTokens(r)) {
        return r;
      }
    }
    return own >= 0 ? own : mixed >= 0 ? mixed : other;
  }

  private int lessPromised(int a, int b, ReplicaLoads loads) {
    if (a < 0 || b < 0) {
      return Math.max(a, b);
    }
    boolean pulledA = loads.foreign(a) > 0;
    boolean pulledB = loads.foreign(b) > 0;
    if (pulledA != pulledB) {
      return pulledA ? b : a;
    }
    return loads.promisedTokens(b) < loads.promisedTokens(a) ? b : a;
  }
}
