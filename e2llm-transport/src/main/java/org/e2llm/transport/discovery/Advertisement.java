package org.e2llm.transport.discovery;

import java.util.regex.Pattern;
import org.e2llm.InvalidRequestException;

/**
 * What a peer announces, and whom it looks for.
 *
 * @param port where it listens; 0 if it only looks for others
 * @param tag truncated HMAC of the cluster's secret: 8 to 64 lower-case hex digits. Only candidates
 *     with the same tag are reported
 */
public record Advertisement(int port, String tag) {
  private static final Pattern TAG = Pattern.compile("[0-9a-f]{8,64}");

  public Advertisement {
    if (port < 0 || port > 65535) {
      throw new InvalidRequestException("port " + port + ", expected 1 to 65535, or 0 for none");
    }
    if (!TAG.matcher(tag).matches()) {
      throw new InvalidRequestException(
          "a tag of " + tag.length() + " characters, expected 8 to 64 lower-case hex digits");
    }
  }
}
