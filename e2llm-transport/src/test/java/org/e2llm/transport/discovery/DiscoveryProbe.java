package org.e2llm.transport.discovery;

import java.util.List;
import java.util.function.Supplier;

/**
 * A peer that only looks for others, as a process of its own: prints {@code found PORT ADDRESS…}
 * and {@code gone PORT}. Arguments: port, tag, and what to do when standard input ends: {@code
 * forget} returns from main with the discovery still open, {@code stay} closes it first. A fourth
 * argument {@code loopback} keeps it there.
 */
public final class DiscoveryProbe {
  private DiscoveryProbe() {}

  public static void main(String[] args) throws Exception {
    int port = Integer.parseInt(args[0]);
    Supplier<List<LanInterface>> interfaces =
        args.length > 3 ? Loopback::interfaces : LanInterface::all;
    JmdnsDiscovery discovery = new JmdnsDiscovery(interfaces);
    discovery.start(new Advertisement(port, args[1]), new Printer());
    System.out.println("started");
    System.in.read();
    if (args[2].equals("forget")) {
      return;
    }
    discovery.close();
    System.out.println("closed " + discovery.awaitClosed(30_000));
  }

  private static final class Printer implements DiscoveryListener {
    @Override
    public void found(Candidate candidate) {
      StringBuilder line = new StringBuilder("found " + candidate.port());
      candidate.addresses().forEach(address -> line.append(' ').append(address.getHostAddress()));
      System.out.println(line);
    }

    @Override
    public void updated(Candidate candidate) {
      found(candidate);
    }

    @Override
    public void gone(Candidate candidate) {
      System.out.println("gone " + candidate.port());
    }
  }
}
