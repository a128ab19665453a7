package org.e2llm.serving;

import java.util.function.IntPredicate;

/** There is one replica, which holds all that comes. */
final class OnlyRoute implements Router {
  private static final Route ROUTE = new Route(0, 0);

  @Override
  public Route route(int promptTokens, int maxTokens, ReplicaLoads loads) {
    return ROUTE;
  }

  @Override
  public int bind(Bound session, IntPredicate room, ReplicaLoads loads) {
    return 0;
  }
}
