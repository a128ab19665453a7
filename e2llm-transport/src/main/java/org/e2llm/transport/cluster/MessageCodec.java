package org.e2llm.transport.cluster;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.e2llm.InvalidRequestException;
import org.e2llm.cluster.ProtocolException;
import org.e2llm.plan.PlanOrder;
import org.e2llm.transport.cluster.Message.Digest;
import org.e2llm.transport.cluster.Message.Entry;
import org.e2llm.transport.cluster.Message.PlanAnswer;
import org.e2llm.transport.cluster.Message.PlanRequest;
import org.e2llm.transport.cluster.Message.Update;
import org.e2llm.transport.cluster.PeerRecord.Verdict;
import org.e2llm.transport.cluster.PublishedPlan.Draft;
import org.e2llm.transport.wire.FieldReader;
import org.e2llm.transport.wire.FieldWriter;
import org.e2llm.transport.wire.FrameLimits;
import org.e2llm.transport.wire.FrameType;

/**
 * Messages about the cluster as payloads of frames 0x10 to 0x13, in the fields of {@link
 * FieldWriter}. Every count and length is checked against its limit and what is left before
 * anything is allocated for it.
 *
 * <pre>
 *  0x10 digest   bool answer | bool dropped | list of entries
 *         entry    string id | version
 *       version    i64 incarnation | i64 revision
 *  0x11 update   list of records, at most 8
 *        record    string id | version | bool left | info | list of string seen
 *                  | order adopted | order serving | i64 basis | string verdict
 *          info    string name | list of string addresses | u8 sharing
 *                  | i64 profile version | i64 wish version | u32 length, details
 *         order    i64 counter | string coordinator | string hash
 *  0x12 request  order
 *  0x13 plan     order | bool forced | i64 basis | list of chains | u32 length, content
 *         chain    list of string devices
 * </pre>
 */
public final class MessageCodec {
  public static final byte DIGEST = FrameType.CLUSTER_FIRST;
  public static final byte UPDATE = FrameType.CLUSTER_FIRST + 1;
  public static final byte PLAN_REQUEST = FrameType.CLUSTER_FIRST + 2;
  public static final byte PLAN_ANSWER = FrameType.CLUSTER_FIRST + 3;

  /** What others count to: low enough that this peer can go on counting. */
  private static final long COUNT = Limits.COUNT / 2;

  private static final int ENTRY_BYTES = 2 + 16;
  private static final int RECORD_BYTES = 100;
  private static final int STRING_BYTES = 2;
  private static final int LIST_BYTES = 4;

  private MessageCodec() {}

  /** The longest payload of each type. */
  public static FrameLimits limit(FrameLimits limits) {
    return limits
        .with(DIGEST, 64 << 10)
        .with(UPDATE, 1 << 20)
        .with(PLAN_REQUEST, 1 << 10)
        .with(PLAN_ANSWER, 1 << 20);
  }

  /** Type of the message's frame. */
  public static byte type(Message message) {
    if (message instanceof Digest) {
      return DIGEST;
    }
    if (message instanceof Update) {
      return UPDATE;
    }
    return message instanceof PlanRequest ? PLAN_REQUEST : PLAN_ANSWER;
  }

  public static void write(Message message, FieldWriter out) {
    if (message instanceof Digest) {
      write((Digest) message, out);
    } else if (message instanceof Update) {
      List<PeerRecord> records = ((Update) message).records();
      out.count(records.size());
      records.forEach(record -> write(record, out));
    } else if (message instanceof PlanRequest) {
      write(((PlanRequest) message).order(), out);
    } else if (message instanceof PlanAnswer) {
      write(((PlanAnswer) message).plan(), out);
    }
  }

  /**
   * Reads the payload from its position to its limit.
   *
   * @throws ProtocolException if it is not a message of this type
   */
  public static Message read(byte type, ByteBuffer payload) {
    FieldReader in = new FieldReader(payload);
    try {
      Message message = read(type, in);
      in.end("message " + FrameType.name(type));
      return message;
    } catch (InvalidRequestException e) {
      throw new ProtocolException("message " + FrameType.name(type) + ": " + e.getMessage(), e);
    }
  }

  private static Message read(byte type, FieldReader in) {
    switch (type) {
      case DIGEST:
        return readDigest(in);
      case UPDATE:
        return readUpdate(in);
      case PLAN_REQUEST:
        return new PlanRequest(readOrder(in));
      case PLAN_ANSWER:
        return new PlanAnswer(readPlan(in));
      default:
        throw new ProtocolException(
            "frame type " + FrameType.name(type) + " is no message about the cluster");
    }
  }

  private static void write(Digest digest, FieldWriter out) {
    out.bool(digest.answer()).bool(digest.dropped()).count(digest.entries().size());
    for (Entry entry : digest.entries()) {
      out.string(entry.id());
      write(entry.version(), out);
    }
  }

  private static Digest readDigest(FieldReader in) {
    boolean answer = in.bool("answer");
    boolean dropped = in.bool("dropped");
    int count = in.count("entries", ENTRY_BYTES, Limits.PEERS);
    List<Entry> entries = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      entries.add(new Entry(in.string("id"), readVersion(in)));
    }
    return new Digest(answer, dropped, entries);
  }

  private static Update readUpdate(FieldReader in) {
    int count = in.count("records", RECORD_BYTES, Update.MOST);
    List<PeerRecord> records = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      records.add(readRecord(in));
    }
    return new Update(records);
  }

  private static void write(PeerRecord record, FieldWriter out) {
    out.string(record.id());
    write(record.version(), out);
    out.bool(record.left());
    write(record.info(), out);
    writeStrings(record.sees(), out);
    write(record.adopted(), out);
    write(record.serving(), out);
    out.i64(record.verdict().basis()).string(record.verdict().reason());
  }

  private static PeerRecord readRecord(FieldReader in) {
    return new PeerRecord(
        in.string("id"),
        readVersion(in),
        in.bool("left"),
        readInfo(in),
        readStrings("seen peers", Limits.PEERS, in),
        readOrder(in),
        readOrder(in),
        new Verdict(in.i64("basis of a verdict"), in.string("verdict")));
  }

  private static void write(PeerInfo info, FieldWriter out) {
    out.string(info.name());
    writeStrings(info.addresses(), out);
    out.choice(info.sharing()).i64(info.profileVersion()).i64(info.wishVersion());
    writeBytes(info.details(), out);
  }

  private static PeerInfo readInfo(FieldReader in) {
    return new PeerInfo(
        in.string("name"),
        readStrings("addresses", Limits.ADDRESSES, in),
        in.choice("sharing", Sharing.values()),
        in.i64("profile version", 0, COUNT),
        in.i64("wish version", 0, COUNT),
        readBytes("details", Limits.DETAILS, in));
  }

  private static void write(PublishedPlan plan, FieldWriter out) {
    write(plan.order(), out);
    out.bool(plan.forced()).i64(plan.basis()).count(plan.draft().chains().size());
    for (List<String> chain : plan.draft().chains()) {
      writeStrings(chain, out);
    }
    writeBytes(plan.draft().content(), out);
  }

  private static PublishedPlan readPlan(FieldReader in) {
    PlanOrder order = readOrder(in);
    boolean forced = in.bool("forced");
    long basis = in.i64("basis of a plan");
    int count = in.count("chains", LIST_BYTES, Limits.PEERS);
    List<List<String>> chains = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      chains.add(readStrings("devices", Limits.PEERS, in));
    }
    Bytes content = readBytes("plan", Limits.PLAN, in);
    return new PublishedPlan(order, forced, basis, new Draft(order.hash(), chains, content));
  }

  private static void write(Version version, FieldWriter out) {
    out.i64(version.incarnation()).i64(version.revision());
  }

  private static Version readVersion(FieldReader in) {
    return new Version(in.i64("incarnation", 0, COUNT), in.i64("revision", 0, COUNT));
  }

  private static void write(PlanOrder order, FieldWriter out) {
    out.i64(order.counter()).string(order.coordinator()).string(order.hash());
  }

  private static PlanOrder readOrder(FieldReader in) {
    return new PlanOrder(
        in.i64("counter of a plan", 0, COUNT), in.string("coordinator"), in.string("hash"));
  }

  private static void writeStrings(List<String> list, FieldWriter out) {
    out.count(list.size());
    list.forEach(out::string);
  }

  private static List<String> readStrings(String field, int most, FieldReader in) {
    int count = in.count(field, STRING_BYTES, most);
    List<String> list = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      list.add(in.string(field));
    }
    return list;
  }

  private static void writeBytes(Bytes bytes, FieldWriter out) {
    out.count(bytes.length()).bytes(bytes.toByteArray());
  }

  private static Bytes readBytes(String field, int most, FieldReader in) {
    byte[] bytes = new byte[in.count(field, 1, most)];
    in.bytes(field, bytes);
    return Bytes.copyOf(bytes);
  }
}
