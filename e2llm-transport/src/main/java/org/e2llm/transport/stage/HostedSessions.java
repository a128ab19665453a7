package org.e2llm.transport.stage;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.e2llm.ClosedException;
import org.e2llm.E2llmException;
import org.e2llm.FinishReason;
import org.e2llm.Generation;
import org.e2llm.GenerationResult;
import org.e2llm.Progress;
import org.e2llm.StageLostException;
import org.e2llm.pipeline.Caller;
import org.e2llm.serving.GenerationService;
import org.e2llm.serving.SessionHosts;
import org.e2llm.serving.Submission;
import org.jspecify.annotations.Nullable;

/**
 * Sessions that callers, on this device or another, run on a replica whose first stage is here. The
 * tokens reach the caller from the last stage; this says how far the prompt is, and why a session
 * ended that did not end well. Thread-safe.
 */
public final class HostedSessions {
  /** How a caller is told. */
  interface Answers {
    /** A chunk of the prompt was computed. */
    void prefilled(Caller caller, int position);

    /** All that was asked for is sampled: the caller has, or will have, so many tokens in all. */
    void finished(Caller caller, int tokens);

    /** The replica broke off; the session can go on elsewhere. */
    void interrupted(Caller caller, String why);

    /** The session cannot be computed. */
    void failed(Caller caller, E2llmException error);
  }

  private record Key(String peer, long session) {}

  /** One epoch of a session. */
  private static final class Hosted {
    final int epoch;
    private @Nullable Generation generation;
    private boolean stopped;

    Hosted(int epoch) {
      this.epoch = epoch;
    }

    synchronized void runs(Generation started) {
      generation = started;
      if (stopped) {
        started.cancel();
      }
    }

    synchronized void stop() {
      stopped = true;
      if (generation != null) {
        generation.cancel();
      }
    }
  }

  private final Answers answers;

  // Guarded by this.
  private final Map<Key, Hosted> sessions = new HashMap<>();
  private @Nullable GenerationService service;

  HostedSessions(Answers answers) {
    this.answers = answers;
  }

  /** What sessions run on from now on; null if no first stage is here. */
  public synchronized void serveOn(@Nullable GenerationService newService) {
    service = newService;
  }

  /** Null if no first stage is here. */
  public synchronized @Nullable GenerationService service() {
    return service;
  }

  /** Starts a session; an older epoch of it ends. */
  void start(String peer, SessionHosts.Request request) {
    Caller caller = new Caller(peer, request.session(), request.epoch());
    Key key = new Key(peer, request.session());
    Hosted hosted = new Hosted(request.epoch());
    GenerationService here;
    Hosted older;
    synchronized (this) {
      here = service;
      older = sessions.get(key);
      if (older != null && older.epoch >= request.epoch()) {
        return;
      }
      sessions.put(key, hosted);
    }
    if (older != null) {
      older.stop();
    }
    try {
      if (here == null) {
        throw new StageLostException("the host has no first stage now");
      }
      hosted.runs(here.submit(submission(caller, request)));
    } catch (E2llmException e) {
      ended(caller, null, e);
    }
  }

  private Submission submission(Caller caller, SessionHosts.Request request) {
    return new Submission(
        request.tokens(),
        request.maxTokens(),
        request.sampling(),
        List.of(), // stop sequences are the caller's
        null,
        progress -> report(caller, progress),
        null,
        (result, error) -> ended(caller, result, error),
        caller);
  }

  private void report(Caller caller, Progress progress) {
    answers.prefilled(caller, (int) progress.done());
  }

  private void ended(
      Caller caller, @Nullable GenerationResult result, @Nullable E2llmException error) {
    if (!remove(caller.peer(), caller.session(), caller.epoch(), caller.epoch())) {
      return; // stopped by the caller, or an older epoch
    }
    if (error instanceof StageLostException || error instanceof ClosedException) {
      answers.interrupted(caller, String.valueOf(error.getMessage()));
    } else if (error != null) {
      answers.failed(caller, error);
    } else if (result != null && result.finishReason() == FinishReason.CANCELLED) {
      answers.interrupted(caller, "the replica was closed");
    } else if (result != null) {
      answers.finished(caller, result.usage().promptTokens() + result.usage().outputTokens());
    }
  }

  private synchronized boolean remove(String peer, long session, int fromEpoch, int toEpoch) {
    Key key = new Key(peer, session);
    Hosted hosted = sessions.get(key);
    boolean found = hosted != null && hosted.epoch >= fromEpoch && hosted.epoch <= toEpoch;
    if (found) {
      sessions.remove(key);
    }
    return found;
  }

  /** The caller wants no more of this epoch. */
  void stop(String peer, long session, int epoch) {
    Hosted hosted;
    synchronized (this) {
      hosted = sessions.get(new Key(peer, session));
    }
    if (hosted != null && remove(peer, session, 0, epoch)) {
      hosted.stop();
    }
  }

  /** A caller cannot be reached: its sessions' memory is freed. */
  public void lost(String peer) {
    Map<Key, Hosted> gone = new HashMap<>();
    synchronized (this) {
      for (Map.Entry<Key, Hosted> entry : sessions.entrySet()) {
        if (entry.getKey().peer().equals(peer)) {
          gone.put(entry.getKey(), entry.getValue());
        }
      }
      sessions.keySet().removeAll(gone.keySet());
    }
    gone.values().forEach(Hosted::stop);
  }
}
