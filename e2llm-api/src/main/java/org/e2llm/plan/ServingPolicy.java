package org.e2llm.plan;

/**
 * How requests are served on a plan's replicas, as data: the classes of {@code org.e2llm.serving}
 * do what it says.
 *
 * @param router how replicas are chosen
 * @param lateBinding the DECODE replica is chosen when the prompt is done, not when the request
 *     arrives
 * @param roleSpill a replica may do the other phase too where that is cheaper
 * @param decodeInPlace decode stays on the PREFILL replica where moving the KV cache would take
 *     longer than it saves
 * @param mixedPool replicas that overflow take help as in Splitwise: first from MIXED ones, then by
 *     pulling one of the other role
 * @param chunkTokens the most rows of one step: prompts go through in chunks of at most so many
 *     tokens
 * @param slo what is kept in view: requests that can still be in time for its TTFT go before those
 *     that cannot, its TPOT limits what decodes together, and the ECT router goes where both are
 *     kept; {@link Slo#NONE} for neither
 */
public record ServingPolicy(
    RouterKind router,
    boolean lateBinding,
    boolean roleSpill,
    boolean decodeInPlace,
    boolean mixedPool,
    int chunkTokens,
    Slo slo) {
  /** How a router ranks replicas. */
  public enum RouterKind {
    /** Earliest expected completion in seconds, with reservations. */
    ECT,
    /** Join the shortest queue: pending prompt tokens, then reserved KV memory (Splitwise). */
    JSQ
  }

  /** Roles as planned, earliest expected completion: the paper's setting in our reading. */
  public static final ServingPolicy ROLES =
      new ServingPolicy(RouterKind.ECT, false, false, false, false, 512);

  /** Without an SLO in view. */
  public ServingPolicy(
      RouterKind router,
      boolean lateBinding,
      boolean roleSpill,
      boolean decodeInPlace,
      boolean mixedPool,
      int chunkTokens) {
    this(router, lateBinding, roleSpill, decodeInPlace, mixedPool, chunkTokens, Slo.NONE);
  }

  public ServingPolicy {
    Check.positive("serving policy", "chunkTokens", chunkTokens);
  }

  public ServingPolicy withRouter(RouterKind kind) {
    return new ServingPolicy(
        kind, lateBinding, roleSpill, decodeInPlace, mixedPool, chunkTokens, slo);
  }

  public ServingPolicy withChunkTokens(int tokens) {
    return new ServingPolicy(router, lateBinding, roleSpill, decodeInPlace, mixedPool, tokens, slo);
  }

  /** With the DECODE replica chosen when a request comes. */
  public ServingPolicy boundAtOnce() {
    return new ServingPolicy(router, false, roleSpill, decodeInPlace, mixedPool, chunkTokens, slo);
  }

  /** Whether a replica may do the phase that is not its role. */
  public boolean spills() {
    return roleSpill || mixedPool;
  }

  public ServingPolicy withSlo(Slo inView) {
    return new ServingPolicy(
        router, lateBinding, roleSpill, decodeInPlace, mixedPool, chunkTokens, inView);
  }
}
