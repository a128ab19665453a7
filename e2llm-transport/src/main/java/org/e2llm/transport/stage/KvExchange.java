package org.e2llm.transport.stage;

import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.e2llm.cluster.ProtocolException;
import org.e2llm.model.LayerRange;
import org.e2llm.transport.wire.FieldReader;
import org.e2llm.transport.wire.FieldWriter;
import org.jspecify.annotations.Nullable;

/**
 * This device's part in moving KV caches from replicas that compute prompts to replicas that
 * decode: which hand-offs there are, and whose each frame is.
 *
 * <pre>
 *  DECODE host ── expect ──▶ its stages ── held ──▶ DECODE host ── prompt ──▶ prompt host
 *                                 ▲                                                │ push
 *                                 └───────── pieces ◀── each prompt stage ◀────────┘
 * </pre>
 *
 * <p>Only the way is another one: where anything of this fails, the DECODE replica computes what
 * did not come.
 *
 * <p>Thread-safe; nothing blocks. What is done to sessions is done on the threads that drive their
 * stages.
 */
public final class KvExchange {
  /** Of a peer that asked, and its number. */
  record Asked(String peer, long handoff) {}

  /** The connections of lane BULK; as {@link Links#send}. */
  @FunctionalInterface
  public interface Bulk {
    boolean send(String peer, byte type, ByteBuffer payload, @Nullable Runnable released);
  }

  /**
   * What went through so far.
   *
   * @param complete prompts whose whole KV came from another replica
   * @param broken prompts of which this device computed a part that should have come
   * @param sentBytes of KV
   * @param receivedBytes of KV
   */
  public record Counts(long complete, long broken, long sentBytes, long receivedBytes) {}

  private final Links links;
  private final Bulk bulk;
  private final StageSource source;
  private final LongSupplier clock;
  private final Payloads payloads = new Payloads();
  private final SecureRandom random = new SecureRandom();

  private final Map<Long, KvReceiver> receivers = new ConcurrentHashMap<>();
  private final Map<Long, KvSender> senders = new ConcurrentHashMap<>();
  private final Map<Long, PromptSource> sources = new ConcurrentHashMap<>();
  private final Map<Asked, PromptTarget> targets = new ConcurrentHashMap<>();
  private volatile @Nullable KvReplica replica;

  private final AtomicLong complete = new AtomicLong();
  private final AtomicLong broken = new AtomicLong();
  private final AtomicLong sentBytes = new AtomicLong();
  private final AtomicLong receivedBytes = new AtomicLong();

  /**
   * Without hand-offs.
   *
   * @param clock nanoseconds since any fixed moment
   */
  public KvExchange(Links links, Bulk bulk, StageSource source, LongSupplier clock) {
    this.links = links;
    this.bulk = bulk;
    this.source = source;
    this.clock = clock;
  }

  /** Prompts of others run on this from now on; null if no first stage is here. */
  public void serveOn(@Nullable KvReplica newReplica) {
    replica = newReplica;
  }

  public Counts counts() {
    return new Counts(complete.get(), broken.get(), sentBytes.get(), receivedBytes.get());
  }

  /** Hand-offs under way. */
  public int size() {
    return receivers.size() + senders.size() + sources.size() + targets.size();
  }

  /** The hand-offs of a stage of somebody's ring. */
  KvStage stage(Ring ring, LayerRange layers, Executor driver) {
    return new KvStage(this, ring.host(), layers, driver);
  }

  // Frames; on the net thread.

  /** Whether frames of this type, which come over lane HOT, are for this. */
  public static boolean takes(byte type) {
    return type >= KvFrames.PROMPT && type <= KvFrames.KV_FAILED;
  }

  /** Whether frames of this type, which come over lane BULK, are for this. */
  public static boolean takesBulk(byte type) {
    return type == KvFrames.KV_PIECE;
  }

  /** A frame came over lane HOT. */
  public void received(String peer, byte type, ByteBuffer payload) {
    FieldReader in = new FieldReader(payload);
    if (type == KvFrames.PROMPT) {
      asked(peer, KvCodec.Prompt.read(in, source.vocabularySize()));
      return;
    }
    long handoff = in.i64("handoff");
    PromptSource prompted = sources.get(handoff);
    switch (type) {
      case KvFrames.PROMPT_STOP:
        PromptTarget target = targets.get(new Asked(peer, handoff));
        if (target != null) {
          target.stop();
        }
        break;
      case KvFrames.PROMPT_PROGRESS:
        int computed = in.i32("progress.position", 0, Integer.MAX_VALUE);
        if (prompted != null) {
          prompted.computed(peer, computed);
        }
        break;
      case KvFrames.KV_HELD:
        int first = in.i32("held.layer", 0, Integer.MAX_VALUE);
        int held = in.i32("held.position", 0, Integer.MAX_VALUE);
        if (prompted != null) {
          prompted.held(peer, first, held);
        }
        break;
      case KvFrames.KV_TAKEN:
        int layer = in.i32("taken.layer", 0, Integer.MAX_VALUE);
        int position = in.i32("taken.position", 0, Integer.MAX_VALUE);
        KvSender sender = senders.get(handoff);
        if (sender != null) {
          sender.taken(peer, layer, position);
        }
        break;
      case KvFrames.KV_FAILED:
        String why = in.string("failed.why");
        if (prompted != null) {
          prompted.failed(why);
        }
        break;
      default:
        throw new ProtocolException("frame type " + type + " is none of a KV hand-off");
    }
    in.end("frame of a KV hand-off");
  }

  private void asked(String peer, KvCodec.Prompt prompt) {
    KvReplica here = replica;
    if (!prompt.stages().get(0).device().equals(peer)) {
      throw new ProtocolException("a prompt that another device's replica is to take");
    }
    if (here == null) {
      tellFailed(peer, prompt.handoff(), "device " + self() + " has no first stage now");
      return;
    }
    PromptTarget target = new PromptTarget(this, here, peer, prompt);
    if (targets.putIfAbsent(target.key(), target) == null) {
      target.start();
    }
  }

  /** A piece came over lane BULK. Pieces of no hand-off that is here are late, and forgotten. */
  public void receivedBulk(String peer, byte type, ByteBuffer payload) {
    if (!takesBulk(type)) {
      throw new ProtocolException("frame type " + type + " is no piece of KV");
    }
    int bytes = payload.remaining();
    long handoff = new FieldReader(payload).i64("piece.handoff");
    KvReceiver receiver = receivers.get(handoff);
    if (receiver == null) {
      return;
    }
    receivedBytes.addAndGet(bytes);
    receiver.received(peer, payload);
  }

  /** Frames to or from the peer, of either lane, may be lost. */
  public void lost(String peer) {
    senders.values().forEach(sender -> sender.lost(peer));
  }

  /** The peer itself cannot be reached any more. */
  public void gone(String peer) {
    lost(peer);
    sources.values().forEach(each -> each.lost(peer));
    targets.forEach(
        (asked, target) -> {
          if (asked.peer().equals(peer)) {
            target.stop();
          }
        });
  }

  /** Gives up what waits for too long; to be called a few times a second. */
  public void tick() {
    List<PromptSource> filling = new ArrayList<>(sources.values());
    filling.forEach(PromptSource::tick);
    List<PromptTarget> computing = new ArrayList<>(targets.values());
    computing.forEach(PromptTarget::tick);
  }

  // For the two sides.

  String self() {
    return links.self();
  }

  KvLayout layout() {
    return source.kv();
  }

  Payloads payloads() {
    return payloads;
  }

  long now() {
    return clock.getAsLong();
  }

  long newHandoff() {
    synchronized (random) {
      return random.nextLong();
    }
  }

  void counted(boolean whole) {
    (whole ? complete : broken).incrementAndGet();
  }

  boolean send(String peer, byte type, FieldWriter out) {
    return links.send(peer, type, SamplingCodec.copy(out), null);
  }

  /** Takes the payload over. */
  boolean sendPiece(String peer, ByteBuffer payload) {
    int bytes = payload.remaining();
    boolean sent = bulk.send(peer, KvFrames.KV_PIECE, payload, () -> payloads.give(payload));
    if (sent) {
      sentBytes.addAndGet(bytes);
    } else {
      payloads.give(payload);
    }
    return sent;
  }

  void tellTaken(String peer, long handoff, int layer, int position) {
    send(peer, KvFrames.KV_TAKEN, new FieldWriter(16).i64(handoff).i32(layer).i32(position));
  }

  /** To the host of the replica that decodes, which may be this device. */
  void tellFailed(String host, long handoff, String why) {
    PromptSource here = host.equals(self()) ? sources.get(handoff) : null;
    if (here != null) {
      here.failed(why);
    } else {
      String text = ResultsCodec.shortened(why);
      send(host, KvFrames.KV_FAILED, new FieldWriter(64).i64(handoff).string(text));
    }
  }

  // False if the number is in use.

  boolean register(KvReceiver receiver) {
    return receivers.putIfAbsent(receiver.handoff(), receiver) == null;
  }

  boolean register(KvSender sender) {
    return senders.putIfAbsent(sender.handoff(), sender) == null;
  }

  void add(PromptSource prompted) {
    sources.put(prompted.handoff(), prompted);
  }

  void forget(KvReceiver receiver) {
    receivers.remove(receiver.handoff(), receiver);
  }

  void forget(KvSender sender) {
    senders.remove(sender.handoff(), sender);
  }

  void remove(PromptSource prompted) {
    sources.remove(prompted.handoff(), prompted);
  }

  void remove(PromptTarget target) {
    targets.remove(target.key(), target);
  }
}
