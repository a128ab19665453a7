package org.e2llm.transport.stage;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.e2llm.ClosedException;
import org.e2llm.E2llmException;
import org.e2llm.FinishReason;
import org.e2llm.GenerationResult;
import org.e2llm.Progress;
import org.e2llm.StageLostException;
import org.e2llm.pipeline.Caller;
import org.e2llm.serving.GenerationService;
import org.e2llm.serving.KvHold;
import org.e2llm.serving.SessionHosts;
import org.e2llm.serving.Submission;
import org.jspecify.annotations.Nullable;

/**
 * Sessions that callers, on this device or another, run on a replica whose first stage is here. The
 * tokens reach the caller from the last stage; this says how far the prompt is, and why a session
 * ended that did not end well.
 *
 * <p>The KV cache of each lies in a <i>place</i>. A conversation's place stays between its turns,
 * for {@value #KEPT_SECONDS} s and among the {@value #MOST_KEPT} used last. The place of a caller
 * that cannot be reached computes no more and stays for {@value #GRACE_SECONDS} s: a caller that
 * comes back by then goes on without computing its tokens again.
 *
 * <p>Thread-safe; nothing is called while the lock is held.
 */
public final class HostedSessions {
  /** With the 4 s after which a silent peer counts as lost, a stage frees a session within 15 s. */
  static final int GRACE_SECONDS = 10;

  static final int KEPT_SECONDS = 600;
  static final int MOST_KEPT = 64;

  /** How a caller is told. */
  interface Answers {
    /**
     * The session has begun, or a chunk of its prompt was computed.
     *
     * @param position up to which the KV cache is filled
     * @param cached when it has begun: tokens of the prompt that were in the KV cache; else 0
     */
    void prefilled(Caller caller, int position, int cached);

    /** All that was asked for is sampled: the caller has, or will have, so many tokens in all. */
    void finished(Caller caller, int tokens);

    /** The session goes on, or waits: it has so many tokens now. */
    void goesOn(Caller caller, int tokens);

    /** The replica broke off; the session can go on elsewhere. */
    void interrupted(Caller caller, String why);

    /** The session cannot be computed. */
    void failed(Caller caller, E2llmException error);
  }

  private record Key(String peer, long number) {}

  /** Where the KV cache of a session, or of a conversation's turns, is. */
  private static final class Place {
    final Key key;
    final boolean conversation;
    final GenerationService service;
    final @Nullable KvReplica replica;
    final KvHold hold;
    @Nullable Hosted running;
    @Nullable Hosted next;
    boolean lost;
    boolean released;
    long until;

    Place(Key key, boolean conversation, GenerationService service, @Nullable KvReplica replica) {
      this.key = key;
      this.conversation = conversation;
      this.service = service;
      this.replica = replica;
      this.hold = service.hold();
    }
  }

  /** One epoch of a session. */
  private static final class Hosted {
    final Caller caller;
    final SessionHosts.Request request;
    final StoppableGeneration generation = new StoppableGeneration();

    Hosted(Caller caller, SessionHosts.Request request) {
      this.caller = caller;
      this.request = request;
    }

    Key key() {
      return new Key(caller.peer(), caller.session());
    }
  }

  private final String self;
  private final Answers answers;
  private final LongSupplier clock;

  // Guarded by this.
  private final Map<Key, Hosted> sessions = new HashMap<>();

  /** The place used last stands last. */
  private final Map<Key, Place> places = new LinkedHashMap<>(16, 0.75f, true);

  private @Nullable GenerationService service;
  private @Nullable KvReplica replica;

  /**
   * Hosts nothing yet.
   *
   * @param clock nanoseconds since any fixed moment
   */
  HostedSessions(String self, Answers answers, LongSupplier clock) {
    this.self = self;
    this.answers = answers;
    this.clock = clock;
  }

  /**
   * What sessions run on from now on; null if no first stage is here. What runs on the one before
   * goes on there; what it merely kept is freed.
   */
  public void serveOn(@Nullable GenerationService newService) {
    serveOn(newService, null);
  }

  /**
   * As above.
   *
   * @param newReplica takes prompts that another replica has computed, or null
   */
  public void serveOn(@Nullable GenerationService newService, @Nullable KvReplica newReplica) {
    List<Place> old = new ArrayList<>();
    synchronized (this) {
      service = newService;
      replica = newReplica;
      for (Iterator<Place> i = places.values().iterator(); i.hasNext(); ) {
        Place place = i.next();
        if (place.service != newService && place.running == null) {
          old.add(place);
          i.remove();
        }
      }
    }
    free(old);
  }

  /** Null if no first stage is here. */
  public synchronized @Nullable GenerationService service() {
    return service;
  }

  /** Sessions that run, also those that are being stopped, and KV caches that are kept. */
  public synchronized int size() {
    Set<Hosted> running = new HashSet<>(sessions.values());
    int kept = 0;
    for (Place place : places.values()) {
      if (place.running == null) {
        kept++;
      } else {
        running.add(place.running);
      }
    }
    return running.size() + kept;
  }

  // What callers ask for.

  /** Starts a session; an older epoch of it ends, and so does the conversation's turn before. */
  void start(String peer, SessionHosts.Request request) {
    Hosted hosted = new Hosted(new Caller(peer, request.session(), request.epoch()), request);
    Place old = null;
    Place place;
    Hosted before;
    synchronized (this) {
      Hosted older = sessions.get(hosted.key());
      if (older != null && older.request.epoch() >= request.epoch()) {
        return;
      }
      Key key = placeKey(hosted);
      place = places.get(key);
      if (place != null && place.service != service) {
        old = place;
        old.released = true;
        old.next = null;
        places.remove(key);
        place = null;
      }
      try {
        if (place == null) {
          place = open(key, request.hold() != 0);
        }
      } catch (E2llmException e) { // as if it had broken off
        place = null;
      }
      before = place == null ? null : place.running;
      if (place != null) {
        sessions.put(hosted.key(), hosted);
        place.lost = false;
        place.next = before == null ? null : hosted;
        place.running = before == null ? hosted : before;
      } else {
        sessions.remove(hosted.key());
      }
    }
    if (old != null) {
      retire(old);
    }
    if (place == null) {
      answers.interrupted(hosted.caller, "the host has no first stage now");
    } else if (before != null) {
      before.generation.stop(); // and goes on in ended
    } else {
      submit(place, hosted);
    }
  }

  private static Key placeKey(Hosted hosted) {
    long hold = hosted.request.hold();
    return hold == 0 ? hosted.key() : new Key(hosted.caller.peer(), hold);
  }

  private Place open(Key key, boolean conversation) {
    GenerationService here = service;
    if (here == null) {
      throw new StageLostException("the host has no first stage now");
    }
    Place place = new Place(key, conversation, here, replica);
    places.put(key, place);
    return place;
  }

  private void submit(Place place, Hosted hosted) {
    SessionHosts.Request request = hosted.request;
    int known = request.tokens().length;
    boolean remote = !hosted.caller.peer().equals(self);
    place.service.received(place.hold, remote ? known : Integer.MAX_VALUE);
    place.hold.onStart(cached -> answers.prefilled(hosted.caller, cached, cached));
    Submission submission =
        new Submission(
            request.tokens(),
            request.maxTokens(),
            request.sampling(),
            List.of(), // stop sequences are the caller's
            request.deadline(),
            progress -> report(hosted, progress),
            place.hold,
            (result, error) -> ended(place, hosted, result, error),
            hosted.caller,
            request.waited());
    try {
      String promptHost = request.promptHost();
      hosted.generation.runs(
          promptHost == null || place.replica == null
              ? place.service.submit(submission)
              : place.service.submit(submission, place.replica.source(promptHost)));
    } catch (E2llmException e) {
      ended(place, hosted, null, e);
    }
  }

  private void report(Hosted hosted, Progress progress) {
    answers.prefilled(hosted.caller, (int) progress.done(), 0);
  }

  /** The caller has so many tokens of its session. */
  void received(String peer, long session, int epoch, int tokens) {
    Place place;
    synchronized (this) {
      Hosted hosted = sessions.get(new Key(peer, session));
      if (hosted == null || hosted.request.epoch() != epoch) {
        return;
      }
      place = places.get(placeKey(hosted));
      if (place == null || place.running != hosted) {
        return;
      }
    }
    place.service.received(place.hold, tokens);
  }

  /**
   * The caller, which has so many tokens of its session, has heard nothing and asks: frames may
   * have been lost, also between others. Whatever the reason, it is told that the session goes on
   * only if it does.
   */
  void asked(String peer, long session, int epoch, int tokens) {
    Caller caller = new Caller(peer, session, epoch);
    Hosted hosted;
    Place place = null;
    boolean runs = false;
    boolean waits = false;
    synchronized (this) {
      hosted = sessions.get(new Key(peer, session));
      if (hosted != null && hosted.request.epoch() == epoch) {
        place = places.get(placeKey(hosted));
        runs = place != null && place.running == hosted && place.service.lost() == null;
        waits = place != null && place.next == hosted && place.service.lost() == null;
        if (!runs && !waits) {
          sessions.remove(hosted.key());
        }
      }
    }
    if (place != null && runs) {
      place.service.received(place.hold, tokens);
      answers.goesOn(caller, place.hold.sampled());
    } else if (waits) {
      answers.goesOn(caller, 0);
    } else {
      answers.interrupted(caller, "the host does not compute the session any more");
    }
  }

  /** The caller wants no more of this epoch. */
  void stop(String peer, long session, int epoch) {
    Hosted hosted;
    synchronized (this) {
      hosted = sessions.get(new Key(peer, session));
      if (hosted == null || hosted.request.epoch() > epoch) {
        return;
      }
      sessions.remove(hosted.key());
      Place place = places.get(placeKey(hosted));
      if (place != null && place.next == hosted) {
        place.next = null;
      }
    }
    hosted.generation.stop();
  }

  /** The conversation is over. */
  void release(String peer, long hold) {
    Place place;
    synchronized (this) {
      place = places.remove(new Key(peer, hold));
      if (place == null) {
        return;
      }
      place.released = true;
    }
    retire(place);
  }

  // How sessions end.

  private void ended(
      Place place,
      Hosted hosted,
      @Nullable GenerationResult result,
      @Nullable E2llmException error) {
    boolean current;
    Hosted next;
    List<Place> freed = new ArrayList<>();
    synchronized (this) {
      current = sessions.remove(hosted.key(), hosted);
      next = place.next;
      place.next = null;
      place.running = next;
      if (next == null && !keeps(place)) {
        places.remove(place.key, place);
        freed.add(place);
      } else if (next == null) {
        long seconds = place.lost ? GRACE_SECONDS : KEPT_SECONDS;
        place.until = clock.getAsLong() + TimeUnit.SECONDS.toNanos(seconds);
        freed.addAll(tooMany());
      }
    }
    free(freed);
    if (next != null) {
      submit(place, next);
    }
    if (current) {
      answer(hosted.caller, result, error);
    }
  }

  private boolean keeps(Place place) {
    return !place.released
        && place.service == service
        && place.hold.length() > 0
        && (place.conversation || place.lost);
  }

  private List<Place> tooMany() {
    List<Place> kept = new ArrayList<>();
    for (Place place : places.values()) {
      if (place.running == null) {
        kept.add(place);
      }
    }
    List<Place> oldest = kept.subList(0, Math.max(0, kept.size() - MOST_KEPT));
    places.values().removeAll(oldest);
    return oldest;
  }

  private void answer(
      Caller caller, @Nullable GenerationResult result, @Nullable E2llmException error) {
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

  /** A caller cannot be reached: nothing more is computed for it. */
  public void lost(String peer) {
    List<Hosted> running = new ArrayList<>();
    long until = clock.getAsLong() + TimeUnit.SECONDS.toNanos(GRACE_SECONDS);
    synchronized (this) {
      sessions.keySet().removeIf(key -> key.peer().equals(peer));
      for (Place place : places.values()) {
        if (place.key.peer().equals(peer)) {
          place.lost = true;
          place.until = until;
          place.next = null;
          if (place.running != null) {
            running.add(place.running);
          }
        }
      }
    }
    running.forEach(each -> each.generation.stop());
  }

  /** Frees what was kept long enough; to be called a few times a second. */
  public void tick() {
    long now = clock.getAsLong();
    List<Place> over = new ArrayList<>();
    synchronized (this) {
      for (Iterator<Place> i = places.values().iterator(); i.hasNext(); ) {
        Place place = i.next();
        if (place.running == null && now - place.until >= 0) {
          over.add(place);
          i.remove();
        }
      }
    }
    free(over);
  }

  /** It is no place any more; what runs there ends first. */
  private void retire(Place place) {
    Hosted running;
    synchronized (this) {
      running = place.running;
    }
    if (running == null) {
      free(List.of(place));
    } else {
      running.generation.stop();
    }
  }

  private static void free(List<Place> freed) {
    freed.forEach(place -> place.service.release(place.hold));
  }
}
