package org.e2llm.transport;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.e2llm.E2llmException;
import org.e2llm.model.LayerRange;
import org.e2llm.model.ModelSpec;
import org.e2llm.plan.Plan;
import org.e2llm.transport.cluster.PeerRecord;
import org.e2llm.transport.cluster.Sharing;
import org.e2llm.transport.cluster.View;
import org.e2llm.transport.slice.Standby;

/** Where copies of the model's layers lie, by what those who are there say. Pure. */
final class Copies {
  private Copies() {}

  /** {@link Holding#NONE} if it says nothing that can be read. */
  static Holding of(PeerRecord record) {
    try {
      return PeerDetails.read(record.info().details()).holding();
    } catch (E2llmException e) {
      return Holding.NONE;
    }
  }

  /**
   * The model of this cluster: this device's, or that of the lowest id as long as this one's is not
   * known.
   */
  static String modelId(View view) {
    String found = "";
    for (View.Member member : view.members().values()) {
      String id = of(member.record()).modelId();
      if (member.record().id().equals(view.self()) && !id.isEmpty()) {
        return id;
      }
      found = found.isEmpty() ? id : found;
    }
    return found;
  }

  /**
   * Nobody who shares knows yet which model it is, and somebody else is there: files that may be
   * different must not compute together. One alone needs no name for its model.
   */
  static boolean isUnknown(View view) {
    return view.members().size() > 1 && modelId(view).isEmpty();
  }

  /** Layers that nobody who is there has; ascending and apart. */
  static List<LayerRange> missing(View view, ModelSpec model) {
    String modelId = modelId(view);
    List<Holding> holdings = new ArrayList<>();
    for (View.Member member : view.members().values()) {
      Holding holding = of(member.record());
      // A file that is still being hashed will do, as far as is known.
      if (holding.modelId().equals(modelId) || holding.modelId().isEmpty()) {
        holdings.add(holding);
      }
    }
    List<LayerRange> missing = new ArrayList<>();
    int from = 0;
    for (int layer = 0; layer <= model.layerCount(); layer++) {
      if (layer == model.layerCount() || has(holdings, layer)) {
        if (layer > from) {
          missing.add(LayerRange.of(from, layer));
        }
        from = layer + 1;
      }
    }
    return missing;
  }

  private static boolean has(List<Holding> holdings, int layer) {
    for (Holding holding : holdings) {
      if (holding.has(layer)) {
        return true;
      }
    }
    return false;
  }

  /** What each device keeps beside the plan; the same on every device with the same view. */
  static Map<String, List<LayerRange>> duties(View view, ModelSpec model, Plan plan) {
    String modelId = modelId(view);
    Map<String, Standby.Member> members = new TreeMap<>();
    for (View.Member member : view.members().values()) {
      PeerRecord record = member.record();
      Holding holding = of(record);
      if (!holding.modelId().equals(modelId)) {
        continue;
      }
      boolean hosts = record.info().sharing() != Sharing.NONE;
      members.put(
          record.id(),
          new Standby.Member(record.id(), hosts ? holding.diskBytes() : 0, holding.full()));
    }
    return Standby.duties(model, plan, new ArrayList<>(members.values()));
  }
}
