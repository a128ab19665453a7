package org.e2llm.planner.simulator;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.e2llm.InvalidRequestException;

/**
 * What else a simulation needs to know.
 *
 * @param faults in any order
 * @param detectSeconds after which a frozen device counts as gone
 * @param warmUp share of the requests, the first ones, that do not count in metrics
 */
public record SimulationOptions(List<Fault> faults, double detectSeconds, double warmUp) {
  /** No faults, a tenth of warm-up. */
  public static final SimulationOptions DEFAULT = new SimulationOptions(List.of(), 3, 0.1);

  public SimulationOptions {
    List<Fault> sorted = new ArrayList<>(faults);
    sorted.sort(Comparator.comparingDouble(Fault::seconds));
    faults = List.copyOf(sorted);
    if (!(detectSeconds >= 0) || !(warmUp >= 0) || !(warmUp < 1)) {
      throw new InvalidRequestException(
          "detection after "
              + detectSeconds
              + " s and a warm-up of "
              + warmUp
              + ", expected are at least 0 and, for the warm-up, less than 1");
    }
  }

  public SimulationOptions withFaults(List<Fault> newFaults) {
    return new SimulationOptions(newFaults, detectSeconds, warmUp);
  }
}
