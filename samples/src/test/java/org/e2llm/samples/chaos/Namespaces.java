package org.e2llm.samples.chaos;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A network namespace for each place, each with one link to a bridge in a namespace of its own, as
 * devices hang on an access point. Needs root and Linux.
 */
final class Namespaces implements Lan {
  private static final int PORT = 7600;

  private final String name = "e2llm" + ProcessHandle.current().pid();
  private final String hub = name + "hub";
  private final List<Place> places = new ArrayList<>();
  private final Thread remover = new Thread(this::remove);

  /** Whether this machine lets us. */
  static boolean available() {
    String probe = "e2llm-probe" + ProcessHandle.current().pid();
    if (!Shell.works("ip", "netns", "add", probe)) {
      return false;
    }
    try {
      return Shell.works("nsenter", "--net=/var/run/netns/" + probe, "true")
          && Shell.works("ip", "-n", probe, "link", "add", "bridge", "type", "bridge")
          && Shell.works(
              "tc", "-n", probe, "qdisc", "add", "dev", "bridge", "root", "tbf", "rate", "1mbit",
              "burst", "10k", "latency", "1ms");
    } finally {
      Shell.works("ip", "netns", "del", probe);
    }
  }

  Namespaces(int count) {
    removeStale();
    Runtime.getRuntime().addShutdownHook(remover);
    Shell.run("ip", "netns", "add", hub);
    in(hub, "link", "set", "lo", "up");
    in(hub, "link", "add", "bridge", "type", "bridge");
    in(hub, "link", "set", "bridge", "up");
    for (int i = 0; i < count; i++) {
      String space = space(i);
      Shell.run("ip", "netns", "add", space);
      in(space, "link", "set", "lo", "up");
      in(hub, "link", "add", port(i), "type", "veth", "peer", "name", "eth0", "netns", space);
      in(hub, "link", "set", port(i), "master", "bridge", "up");
      in(space, "addr", "add", address(i) + "/24", "dev", "eth0");
      in(space, "link", "set", "eth0", "up");
      // Not "ip netns exec", which hides the control groups from the process.
      String enter = "--net=/var/run/netns/" + space;
      places.add(new Place(List.of("nsenter", enter), address(i) + ":" + PORT));
    }
  }

  /** What a test left behind that was killed: names begin with its process id. */
  private static void removeStale() {
    Matcher named = Pattern.compile("e2llm(\\d+)(hub|p\\d+)").matcher(Shell.run("ip", "netns"));
    while (named.find()) {
      if (ProcessHandle.of(Long.parseLong(named.group(1))).isEmpty()) {
        Shell.works("ip", "netns", "del", named.group());
      }
    }
  }

  private String space(int place) {
    return name + "p" + place;
  }

  private static String port(int place) {
    return "port" + place;
  }

  private static String address(int place) {
    return "10.86.42." + (place + 1);
  }

  private static void in(String space, String... arguments) {
    List<String> command = new ArrayList<>(List.of("ip", "-n", space));
    command.addAll(List.of(arguments));
    Shell.run(command.toArray(String[]::new));
  }

  @Override
  public List<Place> places() {
    return places;
  }

  @Override
  public boolean hasLinks() {
    return true;
  }

  @Override
  public void link(int place, boolean up) {
    in(space(place), "link", "set", "eth0", up ? "up" : "down");
  }

  /** Limits what a place sends and what is sent to it. */
  void shape(int place, int kilobitsPerSecond) {
    // What the bucket holds while nothing is sent goes through at once: some milliseconds' worth.
    String burst = Integer.toString(Math.max(4096, kilobitsPerSecond * 640 / 1000));
    for (String[] end : new String[][] {{space(place), "eth0"}, {hub, port(place)}}) {
      Shell.run(
          "tc",
          "-n",
          end[0],
          "qdisc",
          "add",
          "dev",
          end[1],
          "root",
          "tbf",
          "rate",
          kilobitsPerSecond + "kbit",
          "burst",
          burst,
          "latency",
          "200ms");
    }
  }

  @Override
  public void deaf(int place, boolean deaf) {
    // A token bucket smaller than any packet lets none through; only what leaves the bridge for
    // the place is queued here. Not every kernel has a queue that loses packets on purpose.
    if (deaf) {
      Shell.run(
          "tc",
          "-n",
          hub,
          "qdisc",
          "add",
          "dev",
          port(place),
          "root",
          "tbf",
          "rate",
          "8bit",
          "burst",
          "1",
          "limit",
          "1");
    } else {
      Shell.run("tc", "-n", hub, "qdisc", "del", "dev", port(place), "root");
    }
  }

  @Override
  public void partition(Set<Integer> set, boolean split) {
    for (int a = 0; a < places.size(); a++) {
      for (int b = 0; b < places.size(); b++) {
        if (set.contains(a) != set.contains(b)) {
          in(space(a), "route", split ? "add" : "del", "blackhole", address(b) + "/32");
        }
      }
    }
  }

  @Override
  public void close() {
    remove();
    Runtime.getRuntime().removeShutdownHook(remover);
  }

  private void remove() {
    for (int i = 0; i < places.size(); i++) {
      Shell.works("ip", "netns", "del", space(i));
    }
    Shell.works("ip", "netns", "del", hub);
  }

  @Override
  public String toString() {
    return "namespaces";
  }
}
