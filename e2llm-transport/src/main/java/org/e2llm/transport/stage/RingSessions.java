package org.e2llm.transport.stage;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.e2llm.E2llmException;
import org.e2llm.pipeline.Batch;
import org.e2llm.pipeline.Caller;
import org.e2llm.pipeline.Stage;
import org.e2llm.pipeline.StageSession;
import org.jspecify.annotations.Nullable;

/**
 * The sessions of one stage of a ring: those that are open, by their numbers in the ring, and those
 * that the ring before has left and nobody has opened yet. Belongs to the thread that drives the
 * stage.
 */
final class RingSessions {
  private final Stage stage;
  private final int place;
  private final int width;
  private final @Nullable JournalMemory memory;
  private final KeptStages keeper;
  private final long setUpSince;
  private final Map<Long, RingSession> open = new HashMap<>();
  private final Map<KeptSession.Whose, KeptSession> kept = new LinkedHashMap<>();

  /** Open ones that batches have to be fitted to. */
  private int resumed;

  /** Other stages are not there yet: what is kept grows no older. */
  private boolean settingUp = true;

  private volatile boolean keeps;

  /**
   * None is open, and the ring is being set up.
   *
   * @param stage opens them
   * @param place of the stage in the ring
   * @param width floats of a hidden state
   * @param memory for journals, or null if the stage keeps none
   * @param keeper takes what this leaves
   * @param left what the ring before has left, or null
   */
  RingSessions(
      Stage stage,
      int place,
      int width,
      @Nullable JournalMemory memory,
      KeptStages keeper,
      KeptStages.@Nullable Left left) {
    this.stage = stage;
    this.place = place;
    this.width = width;
    this.memory = memory;
    this.keeper = keeper;
    this.setUpSince = keeper.now();
    if (left != null) {
      kept.putAll(left.sessions());
    }
    keeps = !kept.isEmpty();
  }

  /** Null if it is not open. */
  @Nullable RingSession get(long id) {
    return open.get(id);
  }

  boolean isEmpty() {
    return open.isEmpty();
  }

  // How they begin and end.

  /** Opens one that is new. */
  RingSession open(long id, int epoch, int capacity) {
    requireFree(id);
    Journal journal = memory == null ? null : new Journal(width, memory);
    return put(
        id, new RingSession(stage.open(id, epoch, capacity), capacity, journal, Replay.NONE));
  }

  private void requireFree(long id) {
    if (open.containsKey(id)) {
      throw new E2llmException("session " + id + " is open already");
    }
  }

  private RingSession put(long id, RingSession session) {
    open.put(id, session);
    resumed += session.isResumed() ? 1 : 0;
    return session;
  }

  /**
   * Opens one that goes on.
   *
   * @throws E2llmException if what is to be here is not
   */
  RingSession resume(long id, int epoch, int capacity, Caller caller, Replay replay) {
    requireFree(id);
    KeptSession before = kept.remove(KeptSession.Whose.of(caller));
    keeps = !kept.isEmpty();
    if (before != null && before.capacity() < capacity) {
      before = before.journalOnly();
    }
    int length = replay.computesFrom(place);
    Journal journal = before == null ? null : before.journal();
    int inputs = replay.readsJournal(place) ? replay.length() : replay.receivesFrom(place);
    boolean lacksInput =
        replay.readsJournal(place) && (journal == null || journal.length() < inputs);
    StageSession kv = before == null ? null : before.kv();
    if (lacksInput || (length > 0 && (kv == null || kv.length() < length))) {
      if (before != null) {
        before.close();
      }
      throw new E2llmException("what is to be held of session " + id + " is not there");
    }
    if (kv == null) {
      kv = stage.open(id, epoch, capacity);
    } else {
      kv.truncate(length);
    }
    if (journal == null && memory != null) {
      journal = new Journal(width, memory);
    }
    if (journal != null) {
      journal.truncate(inputs);
    }
    RingSession session = new RingSession(kv, capacity, journal, replay);
    session.begin(caller);
    return put(id, session);
  }

  /** Frees it; does nothing if it is not open. */
  void close(long id) {
    RingSession session = remove(id);
    if (session != null) {
      session.close();
    }
  }

  /** It is over in this ring; it may go on in the next one. */
  void leave(long id) {
    RingSession session = remove(id);
    if (session == null) {
      return;
    }
    KeptSession.Whose whose = session.whose();
    if (whose == null || session.kv().length() == 0) {
      session.close();
      return;
    }
    KeptSession older = kept.put(whose, session.keep(keeper.until(whose.peer())));
    if (older != null) {
      older.close();
    }
  }

  private @Nullable RingSession remove(long id) {
    RingSession session = open.remove(id);
    resumed -= session != null && session.isResumed() ? 1 : 0;
    return session;
  }

  /** All that goes on elsewhere, if it does; nothing is here any more. */
  KeptStages.Left leaveAll() {
    whole();
    List.copyOf(open.keySet()).forEach(this::leave);
    KeptStages.Left left = new KeptStages.Left(stage.layers(), stage, new LinkedHashMap<>(kept));
    kept.clear();
    keeps = false;
    return left;
  }

  void closeAll() {
    List.copyOf(open.keySet()).forEach(this::close);
    forget();
  }

  // What is kept.

  /** Whether anything of the ring before waits here. Any thread. */
  boolean keeps() {
    return keeps;
  }

  /** Of a ring whose set-up has just begun. */
  List<KeptSession.Report> reports() {
    List<KeptSession.Report> reports = new ArrayList<>();
    kept.forEach((whose, session) -> reports.add(session.report(whose, setUpSince)));
    return reports;
  }

  /** All stages of the ring are there, or it is over: from now on what is kept grows older. */
  void whole() {
    if (settingUp) {
      long stood = stood();
      kept.replaceAll((whose, session) -> session.later(stood));
      settingUp = false;
    }
  }

  boolean isSettingUp() {
    return settingUp;
  }

  /** For how long time has stood still. */
  private long stood() {
    return settingUp ? Math.min(keeper.now() - setUpSince, KeptStages.LONGEST_SET_UP) : 0;
  }

  /** Frees what nobody has opened. */
  void forget() {
    kept.values().forEach(KeptSession::close);
    kept.clear();
    keeps = false;
  }

  /** Frees what nobody has opened in time. */
  void expire() {
    keeper.expired(kept, keeper.now() - stood()).forEach(KeptSession::close);
    keeps = !kept.isEmpty();
  }

  /** Positions that open sessions hold together, or will when they have been replayed. */
  long positions() {
    long sum = 0;
    for (RingSession session : open.values()) {
      sum += Math.max(session.kv().length(), session.replay().length());
    }
    return sum;
  }

  // Batches.

  /** Whether a batch has positions that are not new. */
  boolean replays(List<Batch.Slice> slices) {
    for (int i = 0; resumed > 0 && i < slices.size(); i++) {
      RingSession session = open.get(slices.get(i).session());
      if (session != null && slices.get(i).start() < session.replay().length()) {
        return true;
      }
    }
    return false;
  }

  /** What of a batch is for this stage. */
  BatchRows rows(List<Batch.Slice> slices) {
    return resumed == 0 ? BatchRows.all(slices) : BatchRows.of(slices, open, place);
  }
}
