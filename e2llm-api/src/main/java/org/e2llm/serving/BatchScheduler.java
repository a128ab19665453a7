package org.e2llm.serving;

import java.util.AbstractList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Decides what goes through the replica together: continuous batching at iteration level.
 *
 * <p>First one token of every session that decodes, then prompt chunks, first come first served, up
 * to the row limit. If there are more decoding sessions than rows, they take turns; and if prompts
 * got no row in a batch, an eighth of the next one, at least a row, is kept for them. So every
 * session moves on, whatever the others do.
 *
 * <p>A prompt may yield: then it has the rows that others leave, and one batch in {@link #TURN}.
 *
 * <p>A replica of several stages can have several batches under way. A prompt may have chunks in
 * many of them, a decoding session is in one at most: its next token is not known before. The
 * sessions that decode are therefore spread evenly over {@link Limits#lanes() lanes}, and no more
 * batches than lanes carry them at a time: with more, each would be small and read all weights for
 * few tokens. Batches of prompts go between them; where tokens would come too late by that, no more
 * batches than {@link Limits#batches()} are under way at all.
 *
 * <p>A pure state machine: {@link #decide()} changes nothing, {@link #launch} says that a decision
 * entered the first stage, {@link #land} that it left the last one; {@link #advance} is both. Not
 * thread-safe.
 */
public final class BatchScheduler {
  /**
   * Positions of one session.
   *
   * @param session its id
   * @param start absolute position of the first token to feed
   * @param length tokens
   * @param samples whether the next token is sampled after them: always, except inside a prompt
   */
  public record Item(long session, int start, int length, boolean samples) {}

  /**
   * How large batches are.
   *
   * @param rows the most rows of a batch
   * @param mixedRows the most prompt rows of a batch while sessions decode, which wait for them
   * @param lanes batches with decoding sessions that may be under way at a time
   * @param batches all that may be under way at a time while sessions decode, since a session's
   *     next token waits for every batch before its own; at least the lanes
   */
  public record Limits(int rows, int mixedRows, int lanes, int batches) {
    public Limits {
      if (rows < 1 || mixedRows < 1 || mixedRows > rows || lanes < 1 || batches < lanes) {
        throw new IllegalArgumentException(
            "a batch of "
                + rows
                + " rows, "
                + mixedRows
                + " beside decoding, "
                + lanes
                + " lanes, "
                + batches
                + " batches");
      }
    }

    /** As many batches as the driver will have under way. */
    public Limits(int rows, int mixedRows, int lanes) {
      this(rows, mixedRows, lanes, Integer.MAX_VALUE);
    }
  }

  /**
   * The next batch. Can be filled again once it has landed, so that a driver needs one per batch
   * under way.
   */
  public static final class Decision {
    private Entry[] entries = new Entry[8];
    private int[] starts = new int[8];
    private int[] lengths = new int[8];
    private int size;
    private int decodeRows;
    private int steps;

    /** What is fed, in order; empty if nothing is to be done. */
    public List<Item> items() {
      return new AbstractList<Item>() {
        @Override
        public Item get(int index) {
          Objects.checkIndex(index, size);
          return new Item(session(index), start(index), length(index), samples(index));
        }

        @Override
        public int size() {
          return size;
        }
      };
    }

    /**
     * For how many steps this stays the decision if nothing is added or removed; in each further
     * one every item starts one position later. More than 1 only where all items decode.
     */
    public int steps() {
      return steps;
    }

    /** Items; those that decode stand first. */
    public int size() {
      return size;
    }

    /** Items that decode, a row each. */
    public int decodeRows() {
      return decodeRows;
    }

    public long session(int item) {
      return entries[item].session;
    }

    public int start(int item) {
      return starts[item];
    }

    public int length(int item) {
      return lengths[item];
    }

    public boolean samples(int item) {
      return starts[item] + lengths[item] >= entries[item].promptEnd;
    }

    /** Whether memory of a session ends with the next token, and it may have more of them. */
    boolean isFull(int item) {
      return entries[item].position >= entries[item].memory
          && entries[item].memory < entries[item].end;
    }

    /** The position that a session feeds next. */
    int position(int item) {
      return entries[item].position;
    }

    /** Whether the session is still the one that was scheduled: not removed meanwhile. */
    public boolean stands(int item) {
      return !entries[item].removed;
    }

    private void add(Entry entry, int length) {
      if (size == entries.length) {
        entries = Arrays.copyOf(entries, 2 * size);
        starts = Arrays.copyOf(starts, 2 * size);
        lengths = Arrays.copyOf(lengths, 2 * size);
      }
      entries[size] = entry;
      starts[size] = entry.position;
      lengths[size++] = length;
    }

    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Decision decision
          && steps == decision.steps
          && items().equals(decision.items());
    }

    @Override
    public int hashCode() {
      return 31 * items().hashCode() + steps;
    }

    @Override
    public String toString() {
      return items() + " for " + steps + " steps";
    }
  }

  private static final class Entry {
    final long session;
    final int promptEnd;
    final int end;
    int position;
    int allowed = Integer.MAX_VALUE;
    int memory = Integer.MAX_VALUE;
    boolean decodes;
    boolean removed;
    int underWay;
    final boolean yields;
    @Nullable Queue queue;
    @Nullable Entry before;
    @Nullable Entry after;

    Entry(long session, int position, int promptEnd, int end, boolean yields) {
      this.yields = yields;
      this.session = session;
      this.position = position;
      this.promptEnd = promptEnd;
      this.end = end;
    }

    /** What it may feed. */
    int last() {
      return Math.min(allowed, memory);
    }
  }

  /** First in, first out, with removal from anywhere. */
  private static final class Queue {
    @Nullable Entry first;
    @Nullable Entry last;
    int size;

    void add(Entry entry) {
      entry.queue = this;
      entry.before = last;
      if (last == null) {
        first = entry;
      } else {
        last.after = entry;
      }
      last = entry;
      size++;
    }

    void remove(Entry entry) {
      if (entry.before == null) {
        first = entry.after;
      } else {
        entry.before.after = entry.after;
      }
      if (entry.after == null) {
        last = entry.before;
      } else {
        entry.after.before = entry.before;
      }
      entry.queue = null;
      entry.before = null;
      entry.after = null;
      size--;
    }
  }

  /** Every so many batches, prompts that let others go first have theirs. */
  static final int TURN = 128;

  private Limits limits;
  private final Map<Long, Entry> entries = new HashMap<>();
  private final Queue prompts = new Queue();

  /** Prompts that let the others go first. */
  private final Queue yielding = new Queue();

  private final Queue ready = new Queue();
  private int decoding;
  private int lanesUnderWay;
  private int underWay;
  private long promptTokens;
  private long yieldingTokens;
  private boolean promptsLeftOut;

  /** Batches that went by without a token of a prompt that let others go first. */
  private int yielded;

  /** Batches of at most {@code maxRows} rows, one at a time. */
  public BatchScheduler(int maxRows) {
    this(new Limits(maxRows, maxRows, 1));
  }

  public BatchScheduler(Limits limits) {
    this.limits = limits;
  }

  /** Other limits from now on. */
  public void limit(Limits newLimits) {
    limits = newLimits;
  }

  /**
   * Adds a session at the end.
   *
   * @param session an id that is not here yet
   * @param position where feeding begins: what the KV cache holds already
   * @param promptEnd tokens known now; above {@code position}
   * @param end the position of the last token it may sample, at least {@code promptEnd}
   */
  public void add(long session, int position, int promptEnd, int end) {
    add(session, position, promptEnd, end, false);
  }

  /**
   * As {@link #add(long, int, int, int)}.
   *
   * @param yields whether its prompt lets those of others go first, also of those that come later;
   *     one batch in {@link #TURN} is its own all the same
   */
  public void add(long session, int position, int promptEnd, int end, boolean yields) {
    (yields ? yielding : prompts).add(put(session, position, promptEnd, end, yields));
    promptTokens += promptEnd - position;
    yieldingTokens += yields ? promptEnd - position : 0;
  }

  /**
   * Adds a session whose KV cache came from another replica: it decodes from its next token on.
   *
   * @param position of the one token that is known and not in the KV cache
   * @param end the position of the last token it may sample, above {@code position}
   */
  public void join(long session, int position, int end) {
    decode(put(session, position, position + 1, end, false));
  }

  private Entry put(long session, int position, int promptEnd, int end, boolean yields) {
    if (position < 0 || promptEnd <= position || end < promptEnd) {
      throw new IllegalArgumentException(
          "session " + session + " from " + position + " to " + promptEnd + " to " + end);
    }
    Entry entry = new Entry(session, position, promptEnd, end, yields);
    if (entries.putIfAbsent(session, entry) != null) {
      throw new IllegalStateException("session " + session + " is scheduled already");
    }
    return entry;
  }

  private void decode(Entry entry) {
    entry.decodes = true;
    decoding++;
    readyIfAllowed(entry);
  }

  private void readyIfAllowed(Entry entry) {
    if (entry.position <= entry.last()) {
      ready.add(entry);
    }
  }

  /**
   * How far a session may decode: it pauses before it would feed a position beyond {@code last}. A
   * later call moves that, forth or back. Does nothing if the session is not here.
   */
  public void allow(long session, int last) {
    Entry entry = entries.get(session);
    if (entry != null) {
      entry.allowed = last;
      readyAgain(entry);
    }
  }

  /** As {@link #allow}: how far its memory goes. */
  void memory(long session, int last) {
    Entry entry = entries.get(session);
    if (entry != null) {
      entry.memory = last;
      readyAgain(entry);
    }
  }

  private void readyAgain(Entry entry) {
    if (entry.decodes && entry.underWay == 0) {
      if (entry.queue != null) {
        ready.remove(entry);
      }
      readyIfAllowed(entry);
    }
  }

  /** Removes a session that has ended; does nothing if it is not here. */
  public void remove(long session) {
    Entry entry = entries.remove(session);
    if (entry == null) {
      return;
    }
    entry.removed = true;
    if (entry.decodes) {
      decoding--;
    } else {
      owe(entry, entry.position - entry.promptEnd);
    }
    if (entry.queue != null) {
      entry.queue.remove(entry);
    }
  }

  private void owe(Entry prompt, int tokens) {
    promptTokens += tokens;
    yieldingTokens += prompt.yields ? tokens : 0;
  }

  /** Whether no session is here, also none under way. */
  public boolean isEmpty() {
    return entries.isEmpty();
  }

  /** Sessions that decode. */
  public int decoding() {
    return decoding;
  }

  /** Prompts that are not done. */
  public int prompts() {
    return entries.size() - decoding;
  }

  /** Whether the prompts here leave room for another one in the next batch. */
  public boolean wantsPrompt() {
    return promptTokens < promptRows();
  }

  /** Whether they leave room for one that does not yield: those that do are not counted. */
  public boolean wantsPromptInTime() {
    return promptTokens - yieldingTokens < promptRows();
  }

  private int promptRows() {
    return decoding > 0 ? limits.mixedRows() : limits.rows();
  }

  /** The next batch. */
  public Decision decide() {
    Decision decision = new Decision();
    decide(decision);
    return decision;
  }

  /** The next batch, written into a decision that is not under way. */
  public void decide(Decision into) {
    into.size = 0;
    into.decodeRows = 0;
    into.steps = 0;
    if (decoding > 0 && underWay >= limits.batches()) {
      return;
    }
    int maxRows = limits.rows();
    boolean hasPrompts = prompts.size + yielding.size > 0;
    int kept = promptsLeftOut && hasPrompts ? Math.max(1, maxRows / 8) : 0;
    int share = (decoding + limits.lanes() - 1) / limits.lanes();
    int decodeRows =
        lanesUnderWay < limits.lanes() ? Math.min(Math.min(ready.size, share), maxRows - kept) : 0;
    int steps = decodeRows == decoding && !hasPrompts ? Integer.MAX_VALUE : 1;
    Entry entry = ready.first;
    for (int i = 0; i < decodeRows && entry != null; i++) {
      into.add(entry, 1);
      steps = Math.min(steps, Math.max(1, Math.min(entry.end, entry.last()) - entry.position));
      entry = entry.after;
    }
    int rows = maxRows - decodeRows;
    rows = Math.min(rows, promptRows());
    boolean turn = yielded >= TURN - 1;
    rows = addPrompts(into, turn ? yielding : prompts, rows);
    rows = addPrompts(into, turn ? prompts : yielding, rows);
    into.decodeRows = decodeRows;
    into.steps = into.size == 0 ? 0 : steps;
  }

  private static int addPrompts(Decision into, Queue queue, int rows) {
    int left = rows;
    for (Entry entry = queue.first; entry != null && left > 0; entry = entry.after) {
      int length = Math.min(left, entry.promptEnd - entry.position);
      into.add(entry, length);
      left -= length;
    }
    return left;
  }

  /** The batch was computed once. Sessions removed meanwhile are passed over. */
  public void advance(Decision decision) {
    launch(decision);
    land(decision, 1);
  }

  /** The batch enters the first stage; what {@link #decide} gives from now on can follow it. */
  public void launch(Decision decision) {
    boolean prefills = false;
    boolean yields = false;
    for (int i = 0; i < decision.size; i++) {
      Entry entry = decision.entries[i];
      if (entry.removed) {
        continue;
      }
      entry.underWay++;
      entry.position += decision.lengths[i];
      if (entry.decodes) {
        ready.remove(entry);
      } else {
        prefills = true;
        yields |= entry.yields;
        owe(entry, -decision.lengths[i]);
        if (entry.position == entry.promptEnd && entry.queue != null) {
          entry.queue.remove(entry);
        }
      }
    }
    underWay++;
    lanesUnderWay += decision.decodeRows > 0 ? 1 : 0;
    promptsLeftOut = !prefills && prompts.size + yielding.size > 0;
    yielded = yields || yielding.size == 0 ? 0 : yielded + 1;
  }

  /**
   * A batch left the last stage: its sampled tokens are known.
   *
   * @param steps how often it was computed: at most {@link Decision#steps()}
   */
  public void land(Decision decision, int steps) {
    underWay--;
    lanesUnderWay -= decision.decodeRows > 0 ? 1 : 0;
    for (int i = 0; i < decision.size; i++) {
      Entry entry = decision.entries[i];
      if (entry.removed) {
        continue;
      }
      entry.underWay--;
      if (entry.decodes) {
        entry.position += steps - 1;
        readyIfAllowed(entry);
      } else if (entry.position == entry.promptEnd && entry.underWay == 0) {
        decode(entry);
      }
    }
  }
}
