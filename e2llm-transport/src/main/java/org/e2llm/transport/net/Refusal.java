package org.e2llm.transport.net;

import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.e2llm.cluster.ClusterException;
import org.e2llm.cluster.ClusterMismatchException;
import org.e2llm.cluster.ConnectionClosedException;
import org.e2llm.cluster.IncompatibleVersionException;
import org.e2llm.transport.wire.FieldReader;
import org.e2llm.transport.wire.FieldWriter;
import org.jspecify.annotations.Nullable;

/**
 * Why a peer that has proven the secret is not let in; both sides show it. On the wire: u8 cause,
 * string subject, string refuser, string refused.
 *
 * @param cause the kind
 * @param subject what differs, in words: {@code model}, {@code setting kvType}
 * @param refuser what the side has that refuses
 * @param refused what the other side has
 */
public record Refusal(Cause cause, String subject, String refuser, String refused) {
  /** Sent by position: new ones come last. */
  public enum Cause {
    /** Nothing in common: subject is the protocol, the others the two ranges. */
    VERSION,
    /** Another cluster name, model or setting. */
    MISMATCH,
    /** Another connection of the same lane between the same two peers is in use. */
    DUPLICATE,
    /** Anything else; subject says it all. */
    OTHER
  }

  static final Refusal DUPLICATE =
      new Refusal(Cause.DUPLICATE, "another connection between the two peers is in use", "", "");

  public static Refusal other(String reason) {
    return new Refusal(Cause.OTHER, reason, "", "");
  }

  /**
   * The rules that hold for every cluster: a common version, the same cluster name, the same model
   * where both have one, and the same value for every setting that both have.
   *
   * @return null if the two fit
   */
  public static @Nullable Refusal between(Hello mine, Hello theirs) {
    if (commonVersion(mine, theirs) == 0) {
      return new Refusal(Cause.VERSION, "protocol version", range(mine), range(theirs));
    }
    if (!mine.cluster().equals(theirs.cluster())) {
      return mismatch("cluster name", mine.cluster(), theirs.cluster());
    }
    boolean both = !mine.modelId().isEmpty() && !theirs.modelId().isEmpty();
    if (both && !mine.modelId().equals(theirs.modelId())) {
      return mismatch("model", mine.modelId(), theirs.modelId());
    }
    for (Map.Entry<String, String> setting : new TreeMap<>(mine.settings()).entrySet()) {
      String other = theirs.settings().get(setting.getKey());
      if (other != null && !Objects.equals(other, setting.getValue())) {
        return mismatch("setting " + setting.getKey(), setting.getValue(), other);
      }
    }
    return null;
  }

  public static Refusal mismatch(String subject, String refuser, String refused) {
    return new Refusal(Cause.MISMATCH, subject, refuser, refused);
  }

  /** 0 if there is none. */
  static int commonVersion(Hello a, Hello b) {
    int highest = Math.min(a.maxVersion(), b.maxVersion());
    return highest >= Math.max(a.minVersion(), b.minVersion()) ? highest : 0;
  }

  /** The error of the side that refuses ({@code mine}) or of the one that was refused. */
  public ClusterException toException(boolean mine) {
    String ours = mine ? refuser : refused;
    String theirs = mine ? refused : refuser;
    switch (cause) {
      case VERSION:
        return new IncompatibleVersionException(
            "The peer speaks versions "
                + theirs
                + " of the protocol, this one "
                + ours
                + ". Update the older of the two.");
      case MISMATCH:
        return new ClusterMismatchException(subject, ours, theirs);
      default:
        return new ConnectionClosedException(!mine, subject);
    }
  }

  void write(FieldWriter out) {
    out.choice(cause).shortened(subject).shortened(refuser).shortened(refused);
  }

  static Refusal read(FieldReader in) {
    Cause cause = in.choice("refusal.cause", Cause.values());
    return new Refusal(
        cause,
        in.string("refusal.subject"),
        in.string("refusal.refuser"),
        in.string("refusal.refused"));
  }

  private static String range(Hello hello) {
    return hello.minVersion() + " to " + hello.maxVersion();
  }
}
