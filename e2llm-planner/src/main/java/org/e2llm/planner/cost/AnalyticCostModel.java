package org.e2llm.planner.cost;

import java.util.List;
import org.e2llm.model.LayerRange;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.WireFormats;

/**
 * Step times from a device's profile: a roofline over the work of the step, plus a fixed cost.
 *
 * <pre>
 *   compute = l·c·(2p + 4·n·a) / F  +  l·b·2p / F_dec  +  r·2·head / F_dec
 *   memory  = (l·w + l·kv·K + (r &gt; 0 ? headBytes : 0)) / BW
 *   seconds = t0 + max(compute, memory)
 * </pre>
 *
 * with l layers of p parameters and w bytes, c prompt tokens of mean context n, a = heads × head
 * size, b decoding sequences with K cached tokens in all, r rows through the output head (last
 * stage only). With c or b alone these are the formulas of the prefill chunk and of the decode
 * step.
 */
public final class AnalyticCostModel implements CostModel {
  private final PlannedModel model;
  private final WireFormats wire;

  public AnalyticCostModel(PlannedModel model, WireFormats wire) {
    this.model = model;
    this.wire = wire;
  }

  @Override
  public PlannedModel model() {
    return model;
  }

  @Override
  public WireFormats wire() {
    return wire;
  }

  @Override
  public CostModel withWire(WireFormats newWire) {
    return new AnalyticCostModel(model, newWire);
  }

  @Override
  public StageCost stage(DeviceProfile device, LayerRange layers) {
    return new Roofline(model, device, layers);
  }

  private static final class Roofline implements StageCost {
    private final double fixed;
    private final double perPromptToken;
    private final double perPromptTokenAndPosition;
    private final double perDecodeRow;
    private final double perLogitRow;
    private final double weights;
    private final double perCachedToken;
    private final double headWeights;

    Roofline(PlannedModel model, DeviceProfile device, LayerRange layers) {
      int l = layers.size();
      boolean last = layers.to() == model.layerCount();
      double parameters = (double) l * model.layerParameters();
      fixed = device.stepSeconds();
      perPromptToken = 2 * parameters / device.prefillFlops();
      perPromptTokenAndPosition = 4.0 * l * model.attentionWidth() / device.prefillFlops();
      perDecodeRow = 2 * parameters / device.decodeFlops();
      perLogitRow = last ? 2.0 * model.headParameters() / device.decodeFlops() : 0;
      weights = model.layerBytes(layers.from(), layers.to()) / device.memoryBandwidth();
      perCachedToken = (double) l * model.kvBytesPerLayer() / device.memoryBandwidth();
      headWeights = last ? model.headBytes() / device.memoryBandwidth() : 0;
    }

    @Override
    public double seconds(
        int promptTokens, double promptContext, int decodeRows, long cachedTokens, int logitRows) {
      double compute =
          promptTokens * (perPromptToken + promptContext * perPromptTokenAndPosition)
              + decodeRows * perDecodeRow
              + logitRows * perLogitRow;
      double memory = weights + cachedTokens * perCachedToken + (logitRows > 0 ? headWeights : 0);
      return fixed + Math.max(compute, memory);
    }

    /** The two lines of the roofline. */
    @Override
    public List<StepFloor> floors() {
      return List.of(
          new StepFloor(
              fixed, perPromptToken, perPromptTokenAndPosition, perDecodeRow, 0, 0, perLogitRow),
          new StepFloor(fixed + weights, 0, 0, 0, perCachedToken, headWeights, 0));
    }
  }
}
