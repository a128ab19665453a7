package org.e2llm.serving;

import org.e2llm.pipeline.Role;

/**
 * What a router may reckon with of each replica of a plan: capacity, and expected times in seconds.
 * They come from the planner's cost model, and live from measured step times. Replicas are numbered
 * as in the plan.
 *
 * <p>Asked often, so implementations neither allocate nor search.
 */
public interface ReplicaEstimates {
  /** Replicas. */
  int size();

  Role role(int replica);

  /** The most tokens that the replica can cache. */
  int kvTokens(int replica);

  /** Mean output of a request, as the plan was made for; a start until answers were seen. */
  double expectedOutput();

  /**
   * How much later the next prompt can be done because of this one: the time of the slowest stage.
   *
   * @param promptTokens of the prompt
   * @param decoding sessions that decode there meanwhile
   */
  double prefillSeconds(int replica, int promptTokens, int decoding);

  /** What a prompt takes on an idle replica beyond {@link #prefillSeconds}: the other stages. */
  double fillSeconds(int replica, int promptTokens);

  /**
   * How much later each decoding session is done because of a prompt.
   *
   * @param promptTokens of the prompt
   * @param decoding sessions that decode there, at least 1
   */
  double stallSeconds(int replica, int promptTokens, int decoding);

  /**
   * In what time each of the sessions gets a token.
   *
   * @param decoding sessions, at least 1
   * @param cachedTokens in their KV caches together
   */
  double stepSeconds(int replica, int decoding, double cachedTokens);

  /**
   * How long the KV cache of a prompt takes from one replica to another, if nothing else is on the
   * way; infinite if they are not connected.
   */
  double handoffSeconds(int from, int to, int promptTokens);

  /** What hand-offs queue for: interfaces and shared media, numbered. */
  int channels();

  /** The channels that a hand-off between two replicas occupies; not to be changed. */
  int[] channels(int from, int to);

  /**
   * For how long a hand-off occupies a channel.
   *
   * @param index into {@link #channels(int, int)}
   */
  double channelSeconds(int from, int to, int index, int promptTokens);
}
