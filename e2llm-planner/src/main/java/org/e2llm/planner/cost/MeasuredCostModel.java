package org.e2llm.planner.cost;

import java.util.HashMap;
import java.util.Map;
import org.e2llm.model.LayerRange;
import org.e2llm.plan.DeviceProfile;
import org.e2llm.plan.WireFormats;

/**
 * Step times as the devices themselves have measured them, interpolated; where a device has not
 * measured any, those of another model.
 */
public final class MeasuredCostModel implements CostModel {
  private final CostModel otherwise;
  private final Map<String, StepFit> fits;

  /**
   * Takes a copy of the map.
   *
   * @param otherwise for devices without a fit, and for all that is not a step time
   * @param fits by device id
   */
  public MeasuredCostModel(CostModel otherwise, Map<String, StepFit> fits) {
    this.otherwise = otherwise;
    this.fits = new HashMap<>(fits);
  }

  @Override
  public PlannedModel model() {
    return otherwise.model();
  }

  @Override
  public WireFormats wire() {
    return otherwise.wire();
  }

  @Override
  public CostModel withWire(WireFormats wire) {
    return new MeasuredCostModel(otherwise.withWire(wire), fits);
  }

  @Override
  public boolean sameCosts(DeviceProfile a, DeviceProfile b) {
    return fits.get(a.id()) == fits.get(b.id()) && otherwise.sameCosts(a, b);
  }

  @Override
  public StageCost stage(DeviceProfile device, LayerRange layers) {
    StepFit fit = fits.get(device.id());
    return fit == null ? otherwise.stage(device, layers) : fit.stage(layers);
  }
}
