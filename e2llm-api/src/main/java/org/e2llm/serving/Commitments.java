package org.e2llm.serving;

import org.e2llm.pipeline.Role;

/**
 * Writes into the loads what a session is going to take where: on its DECODE replica, on the way
 * there, and as foreign work.
 */
final class Commitments {
  private final ReplicaEstimates estimates;
  private final ReplicaLoads loads;

  Commitments(ReplicaEstimates estimates, ReplicaLoads loads) {
    this.estimates = estimates;
    this.loads = loads;
  }

  /** It has a route and is not where it decodes. */
  void make(DispatchedSession session) {
    session.promised = session.known() + loads.likelyOutput(session.maxTokens);
    int p = session.p();
    int d = session.d();
    loads.bound(d, 1, session.prompt, session.promised);
    if (p != d) {
      loads.handoff(p, d, session.prompt, 1);
      loads.passing(p, session.prompt);
    }
    if (foreignPrompt(session)) {
      loads.foreign(p, 1);
    }
    if (foreignAnswer(session)) {
      loads.foreign(d, 1);
    }
  }

  /** Its KV cache is where it decodes. */
  void handedOff(DispatchedSession session) {
    loads.handoff(session.p(), session.d(), session.prompt, -1);
    loads.passing(session.p(), -session.prompt);
  }

  /** It decodes from now on. */
  void decoding(DispatchedSession session) {
    loads.decoding(session.d(), 1);
    if (foreignPrompt(session)) {
      loads.foreign(session.p(), -1);
    }
  }

  /** It goes, or gets another route: what is left of them is given back. */
  void withdraw(DispatchedSession session) {
    int p = session.p();
    int d = session.d();
    boolean decodes = session.state == DispatchedSession.State.DECODING;
    loads.bound(d, -1, session.prompt, session.promised);
    if (p != d && !decodes) {
      handedOff(session);
    }
    if (foreignPrompt(session) && !decodes) {
      loads.foreign(p, -1);
    }
    if (foreignAnswer(session)) {
      loads.foreign(d, -1);
    }
  }

  private boolean foreignPrompt(DispatchedSession session) {
    return estimates.role(session.p()) == Role.DECODE;
  }

  private boolean foreignAnswer(DispatchedSession session) {
    return estimates.role(session.d()) == Role.PREFILL;
  }
}
