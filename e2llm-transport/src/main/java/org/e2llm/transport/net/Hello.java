package org.e2llm.transport.net;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.e2llm.InvalidRequestException;
import org.e2llm.transport.wire.FieldReader;
import org.e2llm.transport.wire.FieldWriter;

/**
 * What a peer says about itself once both sides have proven the secret. On the wire:
 *
 * <pre>
 *  u16 minVersion, u16 maxVersion        first, so that any version can read them
 *  string cluster, string modelId
 *  count, (string name, string value)…   settings
 *  count, address…                       listen
 *  string name
 *  …                                     later versions add fields here; older ones ignore them
 * </pre>
 *
 * @param minVersion oldest version of the protocol that it speaks
 * @param maxVersion newest one; the highest common version is used
 * @param cluster name of the cluster
 * @param modelId 64 hex characters, or empty while it has none and takes what the cluster has
 * @param settings cluster-wide settings by name (KV type, context, batch, arithmetic); a setting
 *     that only one side has is no conflict
 * @param listen where it can be dialled, empty for a pure client; a wildcard address stands for the
 *     one it is seen at ({@link #reachableAt}). {@link Endpoint} fills it in
 * @param name for people; may be empty
 */
public record Hello(
    int minVersion,
    int maxVersion,
    String cluster,
    String modelId,
    Map<String, String> settings,
    List<InetSocketAddress> listen,
    String name) {
  /** The version of the protocol that this code speaks. */
  public static final int VERSION = 1;

  private static final int MAX_SETTINGS = 32;
  private static final int MAX_LISTEN = 16;

  /** Longest cluster name, model id, name, setting or setting's name, in characters. */
  private static final int MAX_TEXT = 128;

  public Hello {
    settings = Map.copyOf(settings);
    listen = List.copyOf(listen);
    atMost("settings", settings.size(), MAX_SETTINGS);
    atMost("listen", listen.size(), MAX_LISTEN);
    atMost("cluster", cluster.length(), MAX_TEXT);
    atMost("modelId", modelId.length(), MAX_TEXT);
    atMost("name", name.length(), MAX_TEXT);
    settings.forEach(
        (key, value) -> {
          atMost("name of a setting", key.length(), MAX_TEXT);
          atMost("setting " + key, value.length(), MAX_TEXT);
        });
    if (minVersion < 1 || maxVersion < minVersion || maxVersion > 0xffff) {
      throw new InvalidRequestException(
          "hello: versions are " + minVersion + " to " + maxVersion + ", expected is 1 to 65535");
    }
  }

  /** This version, no model, settings or addresses yet. */
  public static Hello of(String cluster, String name) {
    return new Hello(VERSION, VERSION, cluster, "", Map.of(), List.of(), name);
  }

  public Hello withModel(String id, Map<String, String> clusterSettings) {
    return new Hello(minVersion, maxVersion, cluster, id, clusterSettings, listen, name);
  }

  public Hello withListen(List<InetSocketAddress> addresses) {
    return new Hello(minVersion, maxVersion, cluster, modelId, settings, addresses, name);
  }

  /** The listen addresses, wildcards replaced by the address that the peer is seen at. */
  public List<InetSocketAddress> reachableAt(InetAddress seen) {
    List<InetSocketAddress> addresses = new ArrayList<>();
    for (InetSocketAddress address : listen) {
      InetAddress host = address.getAddress();
      InetSocketAddress at =
          host.isAnyLocalAddress() ? new InetSocketAddress(seen, address.getPort()) : address;
      if (!addresses.contains(at)) {
        addresses.add(at);
      }
    }
    return addresses;
  }

  void write(FieldWriter out) {
    out.u16(minVersion).u16(maxVersion).string(cluster).string(modelId).count(settings.size());
    new TreeMap<>(settings).forEach((key, value) -> out.string(key).string(value));
    out.count(listen.size());
    listen.forEach(out::address);
    out.string(name);
  }

  /** Does not look at what follows. */
  static Hello read(FieldReader in) {
    int min = in.u16("hello.minVersion");
    int max = in.u16("hello.maxVersion");
    String cluster = in.string("hello.cluster");
    String modelId = in.string("hello.modelId");
    Map<String, String> settings = new TreeMap<>();
    for (int n = in.count("hello.settings", 4, MAX_SETTINGS); n > 0; n--) {
      settings.put(in.string("hello.settings.name"), in.string("hello.settings.value"));
    }
    List<InetSocketAddress> listen = new ArrayList<>();
    for (int n = in.count("hello.listen", 7, MAX_LISTEN); n > 0; n--) {
      listen.add(in.address("hello.listen"));
    }
    return new Hello(min, max, cluster, modelId, settings, listen, in.string("hello.name"));
  }

  private static void atMost(String field, int found, int max) {
    if (found > max) {
      throw new InvalidRequestException(
          "hello: " + field + " has " + found + " characters or elements, allowed are " + max);
    }
  }
}
