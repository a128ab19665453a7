package org.e2llm.serving;

/** What {@link Dispatcher} knows of a session, and what of it stands in the loads. */
final class DispatchedSession {
  enum State {
    PARKED,
    WAITING,
    PREFILLING,
    MOVING,
    DECODING
  }

  /** Positions by which KV caches grow; where pages begin is absolute. */
  private static final int PAGE = 64;

  final long id;

  /** Order of arrival, kept when it loses its place. */
  final long age;

  final double arrival;

  /** Tokens to compute before the first one can be sampled. */
  final int prompt;

  final int maxTokens;

  /** Whether it has lost a place: then it goes first, as somebody reads its answer already. */
  final boolean hadBegun;

  /** Whether it has waited elsewhere: then it says nothing of how often requests come. */
  boolean moved;

  /** Tokens before those of the prompt, which are in its replica's KV cache or come there. */
  int held;

  /** Whether it decodes at all: a prompt that is only computed takes no place from others. */
  boolean decodes = true;

  State state = State.PARKED;
  Router.Route route = new Router.Route(-1, -1);

  /** Of its PREFILL replica, if nothing decodes there. */
  double promptSeconds;

  /** From the end of its prompt until its KV cache is where the answer is computed. */
  double handoffSeconds;

  int fed;

  /** What it was reckoned to need where it decodes when that was promised to it. */
  int promised;

  // Kept by the waiting line.

  long key;

  /** Whether it, or more others, could not be in time: others go first. */
  boolean late;

  /** Whether it could not be in time even as the very next. */
  boolean hopeless;

  /** Whether it began late, and its prompt lets those of others go first. */
  boolean yields;

  /**
   * A session that has no place yet.
   *
   * @param arrival seconds since any fixed moment
   */
  DispatchedSession(
      long id, long age, double arrival, int prompt, int maxTokens, boolean hadBegun) {
    this.id = id;
    this.age = age;
    this.arrival = arrival;
    this.prompt = prompt;
    this.maxTokens = maxTokens;
    this.hadBegun = hadBegun;
  }

  int p() {
    return route.prefill();
  }

  int d() {
    return route.decode();
  }

  /** Tokens that are known. */
  int known() {
    return held + prompt;
  }

  /** What it may come to need where it decodes. */
  int most() {
    return held + prompt + maxTokens;
  }

  /** What it needs where only its prompt is computed. */
  Need promptNeed() {
    return Need.fixed(known());
  }

  /**
   * What it needs where it decodes.
   *
   * @param likelyOutput tokens that answers have, as far as is known
   */
  Need need(int likelyOutput) {
    if (!decodes) {
      return Need.fixed(most());
    }
    int first = Math.min(most(), pages(known() + 1));
    int likely = Math.max(first, known() + Math.min(maxTokens, likelyOutput));
    return new Need(first, likely, most(), true);
  }

  /** What it is to hold next if it holds so many tokens: another page at least. */
  static int next(int tokens) {
    return pages(tokens + PAGE);
  }

  private static int pages(int tokens) {
    return (tokens + PAGE - 1) / PAGE * PAGE;
  }

  boolean on(int replica) {
    return p() == replica || d() == replica;
  }

  /** Whether memory that both wait for is this one's first. */
  boolean precedes(DispatchedSession other) {
    return late == other.late ? age < other.age : other.late;
  }
}
