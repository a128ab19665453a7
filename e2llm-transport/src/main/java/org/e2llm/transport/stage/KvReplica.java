package org.e2llm.transport.stage;

import java.util.List;
import java.util.function.Consumer;
import org.e2llm.model.KvType;
import org.e2llm.pipeline.Replica;
import org.e2llm.plan.StagePlan;
import org.e2llm.serving.KvSource;
import org.e2llm.serving.ServingLoop;
import org.e2llm.transport.wire.FieldWriter;
import org.jspecify.annotations.Nullable;

/**
 * A replica whose first stage is here, as hand-offs see it: prompts come to it, and prompts that
 * others compute.
 */
public final class KvReplica {
  private final KvExchange exchange;
  private final List<StagePlan> stages;
  private final KvType type;
  private final @Nullable RingReplica ring;
  private final ServingLoop loop;

  /**
   * Of a replica that serves.
   *
   * @param stages in order, the first one on this device
   * @param wire how KV caches travel, as the plan says
   * @param replica that the loop drives
   */
  public KvReplica(
      KvExchange exchange, List<StagePlan> stages, KvType wire, Replica replica, ServingLoop loop) {
    this.exchange = exchange;
    this.stages = List.copyOf(stages);
    this.type = KvCodec.travels(exchange.layout().type(), wire);
    this.ring = replica instanceof RingReplica several ? several : null;
    this.loop = loop;
    if (ring != null) {
      ring.drivenBy(loop::execute);
    }
  }

  /**
   * The KV of one prompt.
   *
   * @param promptHost of the replica that is to compute it
   */
  public KvSource source(String promptHost) {
    return new PromptSource(exchange, this, promptHost);
  }

  List<StagePlan> stages() {
    return stages;
  }

  /** How KV caches travel to this replica. */
  KvType type() {
    return type;
  }

  ServingLoop loop() {
    return loop;
  }

  /** Whether a stage was lost. */
  boolean isBroken() {
    return ring != null && ring.isBroken();
  }

  /** Whether stages compute again what the session held already; on the loop's thread. */
  boolean replays(long session) {
    return ring != null && ring.replays(session);
  }

  /** To the stages after the first one, behind all that was sent to them; on the loop's thread. */
  void pass(byte type, Consumer<FieldWriter> payload) {
    if (ring != null) {
      ring.pass(type, payload);
    }
  }
}
