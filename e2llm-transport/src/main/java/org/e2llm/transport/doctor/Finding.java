package org.e2llm.transport.doctor;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * One thing that was looked at.
 *
 * @param area what it belongs to
 * @param subject what was looked at, such as {@code wlan0} or {@code 192.168.1.5:7600}
 * @param verdict how it is
 * @param text what was found and, unless it is good, what to do
 * @param figures what was measured, by name; seconds, bytes per second, bytes
 */
public record Finding(
    Area area, String subject, Verdict verdict, String text, Map<String, Double> figures) {
  /** What findings belong to, in the order in which they are made. */
  public enum Area {
    INTERFACES,
    LISTENING,
    DISCOVERY,
    PEERS,
    LINKS
  }

  /** How it is. */
  public enum Verdict {
    GOOD,
    /** Not used, or could be better; nothing depends on it. */
    NOTE,
    /** Needs mending. */
    BAD
  }

  public Finding {
    figures = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(figures));
  }

  static Finding good(Area area, String subject, String text) {
    return new Finding(area, subject, Verdict.GOOD, text, Map.of());
  }

  static Finding note(Area area, String subject, String text) {
    return new Finding(area, subject, Verdict.NOTE, text, Map.of());
  }

  static Finding bad(Area area, String subject, String text) {
    return new Finding(area, subject, Verdict.BAD, text, Map.of());
  }

  Finding with(String name, double value) {
    Map<String, Double> more = new LinkedHashMap<>(figures);
    more.put(name, value);
    return new Finding(area, subject, verdict, text, more);
  }
}
