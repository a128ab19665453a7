package org.e2llm.transport.cluster;

import java.util.List;

/**
 * What a peer says of itself.
 *
 * @param name what a person calls it
 * @param addresses where it listens, {@code host:port}, the likeliest first; none if it only calls
 * @param sharing whether plans may use it
 * @param profileVersion goes up when its device profile or links changed enough to plan anew
 * @param wishVersion goes up when its app wishes for another plan (pins, exclusions, preferences,
 *     how many sessions it expects); 0 as long as it wishes nothing
 * @param details profile, links and wishes themselves, not read here, at most 16 KiB
 */
public record PeerInfo(
    String name,
    List<String> addresses,
    Sharing sharing,
    long profileVersion,
    long wishVersion,
    Bytes details) {
  public PeerInfo {
    addresses = List.copyOf(addresses);
    Limits.text("name of a peer", name, Limits.TEXT);
    Limits.atMost("addresses of a peer", addresses.size(), Limits.ADDRESSES);
    for (String address : addresses) {
      Limits.token("address of a peer", address);
    }
    Limits.check("profile version", profileVersion);
    Limits.check("wish version", wishVersion);
    Limits.atMost("bytes of a peer's details", details.length(), Limits.DETAILS);
  }

  public PeerInfo withSharing(Sharing newSharing) {
    return new PeerInfo(name, addresses, newSharing, profileVersion, wishVersion, details);
  }

  /** With other details, by which plans are to be made anew. */
  public PeerInfo withProfile(Bytes newDetails) {
    return new PeerInfo(name, addresses, sharing, profileVersion + 1, wishVersion, newDetails);
  }
}
