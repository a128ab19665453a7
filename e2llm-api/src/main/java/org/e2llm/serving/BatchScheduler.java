package org.e2llm.serving;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Decides what goes through the replica together: continuous batching at iteration level.
 *
 * <p>First one token of every session that decodes, then prompt chunks, first come first served, up
 * to the row limit. If there are more decoding sessions than rows, they take turns; and if prompts
 * got no row in a batch, an eighth of the next one, at least a row, is kept for them. So every
 * session moves on, whatever the others do.
 *
 * <p>A pure state machine: {@link #decide()} changes nothing, {@link #advance} says that a decision
 * was carried out. Not thread-safe.
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
   * The next batch.
   *
   * @param items what is fed, in order; empty if nothing is to be done
   * @param steps for how many steps this stays the decision if nothing is added or removed; in each
   *     further one every item starts one position later. More than 1 only where all items decode
   */
  public record Decision(List<Item> items, int steps) {}

  private static final class Entry {
    final long session;
    final int promptEnd;
    final int end;
    int position;

    Entry(long session, int position, int promptEnd, int end) {
      this.session = session;
      this.position = position;
      this.promptEnd = promptEnd;
      this.end = end;
    }
  }

  private final int maxRows;
  private final Map<Long, Entry> prompts = new LinkedHashMap<>();
  private final Map<Long, Entry> decoding = new LinkedHashMap<>();
  private boolean promptsLeftOut;

  public BatchScheduler(int maxRows) {
    if (maxRows < 1) {
      throw new IllegalArgumentException("a batch of " + maxRows + " rows");
    }
    this.maxRows = maxRows;
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
    if (position < 0 || promptEnd <= position || end < promptEnd) {
      throw new IllegalArgumentException(
          "session " + session + " from " + position + " to " + promptEnd + " to " + end);
    }
    if (prompts.containsKey(session) || decoding.containsKey(session)) {
      throw new IllegalStateException("session " + session + " is scheduled already");
    }
    prompts.put(session, new Entry(session, position, promptEnd, end));
  }

  /** Removes a session that has ended; does nothing if it is not here. */
  public void remove(long session) {
    prompts.remove(session);
    decoding.remove(session);
  }

  public boolean isEmpty() {
    return prompts.isEmpty() && decoding.isEmpty();
  }

  /** The next batch. */
  public Decision decide() {
    int kept = promptsLeftOut && !prompts.isEmpty() ? Math.max(1, maxRows / 8) : 0;
    int decodeRows = Math.min(decoding.size(), maxRows - kept);
    List<Item> items = new ArrayList<>(decodeRows + 1);
    int steps = decodeRows == decoding.size() && prompts.isEmpty() ? Integer.MAX_VALUE : 1;
    Iterator<Entry> decode = decoding.values().iterator();
    for (int i = 0; i < decodeRows; i++) {
      Entry entry = decode.next();
      items.add(new Item(entry.session, entry.position, 1, true));
      steps = Math.min(steps, Math.max(1, entry.end - entry.position));
    }
    int rows = maxRows - decodeRows;
    for (Entry entry : prompts.values()) {
      if (rows == 0) {
        break;
      }
      int length = Math.min(rows, entry.promptEnd - entry.position);
      boolean samples = entry.position + length == entry.promptEnd;
      items.add(new Item(entry.session, entry.position, length, samples));
      rows -= length;
    }
    return new Decision(items, items.isEmpty() ? 0 : steps);
  }

  /** The batch was computed once. Sessions removed meanwhile are passed over. */
  public void advance(Decision decision) {
    boolean prefilled = false;
    for (Item item : decision.items()) {
      Entry entry = prompts.get(item.session());
      if (entry != null) {
        prefilled = true;
        entry.position += item.length();
        if (entry.position == entry.promptEnd) {
          prompts.remove(item.session());
          decoding.put(item.session(), entry);
        }
        continue;
      }
      entry = decoding.remove(item.session());
      if (entry != null) {
        entry.position += item.length();
        decoding.put(item.session(), entry);
      }
    }
    promptsLeftOut = !prefilled && !prompts.isEmpty();
  }
}
