package org.e2llm.transport;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.e2llm.E2llmException;
import org.e2llm.model.LayerRange;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.KeptEnds;
import org.e2llm.plan.Nic;
import org.e2llm.plan.PlanOptions;
import org.e2llm.plan.Slo;
import org.e2llm.plan.Workload;
import org.e2llm.transport.cluster.Bytes;
import org.e2llm.transport.cluster.View;
import org.e2llm.transport.wire.FieldReader;
import org.e2llm.transport.wire.FieldWriter;
import org.jspecify.annotations.Nullable;

/**
 * What a peer tells the others for their plans: its profile, and what its app wishes. On the wire
 * with the peer's record:
 *
 * <pre>
 *  bool profile, and if true: string id, name; f64 prefill, decode flops, bandwidth, step;
 *    u64 memory; bool fma; f64 nic rate, latency; bool medium [string]
 *  the holding ({@link Holding})
 *  count, (string device, u32 from, u32 to)…   pins
 *  count, string…                              excluded
 *  count, string…                              preferred
 *  bool                                        throughput
 *  bool, and if true: u32 first, last           layers that it keeps at both ends
 *  count, (string peer, f64 rate, f64 latency)…  links, as far as they were measured
 *  f64 ttft, tpot                              only if its app states an SLO or a workload
 *  f64 rate; u32 concurrency, maxTokens; count, (u32 prompt, u32 output)…
 *                                              only if its app states a workload
 * </pre>
 *
 * @param profile null if it shares nothing
 * @param holding which bytes of the model lie there
 * @param throughput whether its app wants many requests done rather than one soon
 * @param ends layers at both ends of the model that it keeps for its app's sessions, or null
 * @param links what its links to others do, by peer
 * @param slo what its app wishes requests to be served in
 * @param workload what requests its app expects, or null
 */
record PeerDetails(
    @Nullable DeviceProfile profile,
    Holding holding,
    Map<String, LayerRange> pins,
    Set<String> excluded,
    Set<String> preferred,
    boolean throughput,
    @Nullable KeptEnds ends,
    Map<String, LinkBook.Figures> links,
    Slo slo,
    @Nullable Workload workload) {
  private static final int MOST = 128;

  /** Tokens of a request that somebody may speak of: sums of two fit. */
  private static final int LONGEST = Integer.MAX_VALUE / 4;

  /** Lengths of requests that stand for all. */
  private static final int LENGTHS = 64;

  static PeerDetails of(
      @Nullable DeviceProfile profile,
      Holding holding,
      PlanOptions options,
      Slo slo,
      @Nullable Workload workload,
      @Nullable KeptEnds ends) {
    return new PeerDetails(
        profile,
        holding,
        options.pins(),
        options.excluded(),
        options.preferred(),
        options.throughput(),
        ends,
        Map.of(),
        slo,
        workload == null ? null : StatedWorkload.sample(workload, LENGTHS));
  }

  PeerDetails withProfile(DeviceProfile changed) {
    return new PeerDetails(
        changed, holding, pins, excluded, preferred, throughput, ends, links, slo, workload);
  }

  PeerDetails withHolding(Holding changed) {
    return new PeerDetails(
        profile, changed, pins, excluded, preferred, throughput, ends, links, slo, workload);
  }

  PeerDetails withLinks(Map<String, LinkBook.Figures> measured) {
    Map<String, LinkBook.Figures> most = new TreeMap<>();
    measured.forEach(
        (peer, figures) -> {
          if (most.size() < MOST) {
            most.put(peer, figures);
          }
        });
    return new PeerDetails(
        profile, holding, pins, excluded, preferred, throughput, ends, most, slo, workload);
  }

  boolean wishes() {
    return !pins.isEmpty()
        || !excluded.isEmpty()
        || !preferred.isEmpty()
        || throughput
        || ends != null
        || !slo.equals(Slo.NONE)
        || workload != null;
  }

  Bytes toBytes() {
    FieldWriter out = new FieldWriter(512);
    writeProfile(out);
    holding.write(out);
    out.count(pins.size());
    new TreeMap<>(pins)
        .forEach((device, layers) -> out.string(device).i32(layers.from()).i32(layers.to()));
    writeAll(out, excluded);
    writeAll(out, preferred);
    out.bool(throughput);
    out.bool(ends != null);
    if (ends != null) {
      out.i32(ends.first()).i32(ends.last());
    }
    out.count(links.size());
    new TreeMap<>(links)
        .forEach(
            (peer, link) -> out.string(peer).f64(link.bytesPerSecond()).f64(link.latencySeconds()));
    if (!slo.equals(Slo.NONE) || workload != null) {
      out.f64(slo.ttftSeconds()).f64(slo.tpotSeconds());
    }
    if (workload != null) {
      out.f64(workload.requestsPerSecond()).i32(workload.concurrency()).i32(workload.maxTokens());
      out.count(workload.lengths().size());
      workload.lengths().forEach(each -> out.i32(each.prompt()).i32(each.output()));
    }
    ByteBuffer written = out.payload();
    byte[] bytes = new byte[written.remaining()];
    written.get(bytes);
    return Bytes.copyOf(bytes);
  }

  private void writeProfile(FieldWriter out) {
    DeviceProfile device = profile;
    out.bool(device != null);
    if (device == null) {
      return;
    }
    out.string(device.id()).string(device.name());
    out.f64(device.prefillFlops()).f64(device.decodeFlops()).f64(device.memoryBandwidth());
    out.f64(device.stepSeconds()).i64(device.memoryBytes()).bool(device.fma());
    Nic nic = device.nic();
    out.f64(nic.bytesPerSecond()).f64(nic.latencySeconds()).bool(nic.medium() != null);
    if (nic.medium() != null) {
      out.string(nic.medium());
    }
  }

  private static void writeAll(FieldWriter out, Set<String> devices) {
    out.count(devices.size());
    new TreeSet<>(devices).forEach(out::string);
  }

  /** Of all who are there; who says what cannot be counts for nothing. */
  static List<PeerDetails> of(View view) {
    List<PeerDetails> all = new ArrayList<>();
    for (View.Member member : view.members().values()) {
      try {
        all.add(read(member.record().info().details()));
      } catch (E2llmException e) {
        continue;
      }
    }
    return all;
  }

  /** The records check the values. */
  static PeerDetails read(Bytes bytes) {
    FieldReader in = new FieldReader(ByteBuffer.wrap(bytes.toByteArray()));
    DeviceProfile profile = readProfile(in);
    Holding holding = Holding.read(in);
    Map<String, LayerRange> pins = new TreeMap<>();
    for (int n = in.count("pins", 10, MOST); n > 0; n--) {
      String device = in.string("pin.device");
      int from = in.i32("pin.from", 0, Integer.MAX_VALUE - 1);
      pins.put(device, LayerRange.of(from, in.i32("pin.to", from + 1, Integer.MAX_VALUE)));
    }
    Set<String> excluded = readAll("excluded", in);
    Set<String> preferred = readAll("preferred", in);
    boolean throughput = in.bool("throughput");
    KeptEnds ends =
        in.bool("ends")
            ? new KeptEnds(
                in.i32("ends.first", 1, Integer.MAX_VALUE / 2),
                in.i32("ends.last", 1, Integer.MAX_VALUE / 2))
            : null;
    Map<String, LinkBook.Figures> links = new TreeMap<>();
    for (int n = in.count("links", 18, MOST); n > 0; n--) {
      String peer = in.string("link.peer");
      double rate = in.f64("link.bytesPerSecond");
      links.put(peer, new LinkBook.Figures(rate, in.f64("link.latencySeconds")));
    }
    Slo slo = in.remaining() == 0 ? Slo.NONE : new Slo(in.f64("slo.ttft"), in.f64("slo.tpot"));
    Workload workload = in.remaining() == 0 ? null : readWorkload(in);
    PeerDetails details =
        new PeerDetails(
            profile, holding, pins, excluded, preferred, throughput, ends, links, slo, workload);
    in.end("details of a peer");
    return details;
  }

  private static Workload readWorkload(FieldReader in) {
    double rate = in.f64("workload.rate");
    int concurrency = in.i32("workload.concurrency", 0, Integer.MAX_VALUE);
    int maxTokens = in.i32("workload.maxTokens", 1, LONGEST);
    List<Workload.Lengths> lengths = new ArrayList<>();
    for (int n = in.count("workload.lengths", 8, LENGTHS); n > 0; n--) {
      int prompt = in.i32("workload.prompt", 1, LONGEST);
      lengths.add(new Workload.Lengths(prompt, in.i32("workload.output", 1, LONGEST)));
    }
    return new Workload(lengths, rate, concurrency, maxTokens);
  }

  private static @Nullable DeviceProfile readProfile(FieldReader in) {
    if (!in.bool("profile")) {
      return null;
    }
    String id = in.string("profile.id");
    String name = in.string("profile.name");
    double prefill = in.f64("profile.prefillFlops");
    double decode = in.f64("profile.decodeFlops");
    double bandwidth = in.f64("profile.memoryBandwidth");
    double step = in.f64("profile.stepSeconds");
    long memory = in.i64("profile.memoryBytes");
    boolean fma = in.bool("profile.fma");
    double rate = in.f64("profile.nic.bytesPerSecond");
    double latency = in.f64("profile.nic.latencySeconds");
    String medium = in.bool("profile.nic.medium") ? in.string("profile.nic.medium") : null;
    Nic nic = new Nic(rate, latency, medium);
    return new DeviceProfile(id, name, prefill, decode, bandwidth, step, memory, fma, nic);
  }

  private static Set<String> readAll(String field, FieldReader in) {
    List<String> all = new ArrayList<>();
    for (int n = in.count(field, 2, MOST); n > 0; n--) {
      all.add(in.string(field));
    }
    return new HashSet<>(all);
  }
}
