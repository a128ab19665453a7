package org.e2llm.planner.grouping;

import java.util.ArrayList;
import java.util.List;
import org.e2llm.pipeline.Role;

/** Every replica does both phases: no KV cache crosses the network. */
public final class MixedRoles implements Roles {
  @Override
  public Arrangement assign(SearchSpace space, List<int[]> groups) {
    List<Member> members = new ArrayList<>();
    List<GroupShape> shapes = new ArrayList<>();
    double sum = 0;
    double seconds = 0;
    for (int[] group : groups) {
      GroupShape shape = space.shape(group, Role.MIXED);
      if (shape != null) {
        members.add(Member.of(group, Role.MIXED, shape));
        shapes.add(shape);
        sum += shape.rate();
        seconds +=
            shape.rate()
                * (shape.estimate().ttftSeconds()
                    + space.demand().output() * shape.estimate().tpotSeconds());
      }
    }
    double capacity = sum;
    for (int medium = 0; medium < space.mediumNames().size(); medium++) {
      double crossings = 0;
      for (GroupShape shape : shapes) {
        crossings += shape.rate() / sum * shape.crossings()[medium];
      }
      double bytes =
          crossings
              * (space.demand().prompt() + space.demand().output())
              * space.cost().hiddenBytes(1);
      capacity = Math.min(capacity, space.mediumSpeed(medium) / bytes);
    }
    return Wishes.arrange(space, members, capacity, Value.of(capacity, seconds / sum));
  }
}
