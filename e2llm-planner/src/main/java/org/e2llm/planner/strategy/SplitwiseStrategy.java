package org.e2llm.planner.strategy;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import org.e2llm.pipeline.Role;
import org.e2llm.plan.Plan;
import org.e2llm.plan.ServingPolicy;
import org.e2llm.plan.ServingPolicy.RouterKind;
import org.e2llm.planner.grouping.Arrangement;
import org.e2llm.planner.grouping.GeneticSearch;
import org.e2llm.planner.grouping.Member;
import org.e2llm.planner.grouping.Seeds;
import org.e2llm.planner.grouping.SplitRoles;
import org.jspecify.annotations.Nullable;

/**
 * The baseline, Splitwise (Patel et al., ISCA'24): machines in a prompt pool and a token pool, the
 * shortest queue, prompt batches of up to 2048 tokens.
 *
 * <p>A machine is a device that holds the model, else the smallest group of like devices that does;
 * its layers are cut by our dynamic programming, so that the comparison is about pools and routing.
 * On E2LLM's groups it shows how much of the difference is the grouping.
 */
public final class SplitwiseStrategy implements Strategy {
  /** Which machines take prompts. */
  public enum Pools {
    /** The first half in the order of the fleet. */
    NAIVE,
    /** Any half. */
    RANDOM,
    /** In the order of the fleet as many as give the highest capacity. */
    TUNED,
    /** Those that are best at prompts, as many as give the highest capacity. */
    CAPABILITY
  }

  private static final int PROMPT_BATCH = 2048;

  private final Pools pools;
  private final boolean mixedPool;
  private final boolean onOurGroups;

  /**
   * One of the variants.
   *
   * @param mixedPool whether machines may help the other pool out
   * @param onOurGroups whether machines are E2LLM's groups
   */
  public SplitwiseStrategy(Pools pools, boolean mixedPool, boolean onOurGroups) {
    this.pools = pools;
    this.mixedPool = mixedPool;
    this.onOurGroups = onOurGroups;
  }

  @Override
  public String name() {
    return "splitwise";
  }

  /** {@code tuned}, {@code tuned+mixed}, {@code tuned@e2llm}, … */
  @Override
  public String variant() {
    String pool =
        pools == Pools.NAIVE
            ? "naive"
            : pools == Pools.RANDOM ? "random" : pools == Pools.TUNED ? "tuned" : "capability";
    return pool + (mixedPool ? "+mixed" : "") + (onOurGroups ? "@e2llm" : "");
  }

  @Override
  public List<Plan> plans(Question question, int wanted) {
    List<int[]> machines = onOurGroups ? ourGroups(question) : Seeds.machines(question.space());
    question.watch().part(onOurGroups ? 0.1 : 1, machines.size());
    Arrangement best = arranged(question, pools, machines);
    return best == null
        ? List.of()
        : List.of(new PlanMaker(question, fullName(), policy(mixedPool), null).make(best));
  }

  /** The shortest queue and large prompt batches. */
  static ServingPolicy policy(boolean mixedPool) {
    return new ServingPolicy(RouterKind.JSQ, false, false, false, mixedPool, PROMPT_BATCH);
  }

  /** Machines in pools, or null if none holds the model. */
  static @Nullable Arrangement arranged(Question question, Pools pools, List<int[]> given) {
    List<int[]> machines = inFleetOrder(given);
    if (pools == Pools.RANDOM) {
      shuffle(machines, question.options().seed());
    } else if (pools == Pools.CAPABILITY) {
      machines = SplitRoles.byEfficiency(question.space(), machines);
    }
    boolean half = pools == Pools.NAIVE || pools == Pools.RANDOM;
    int first = half ? machines.size() / 2 : 1;
    int last = half ? first : machines.size() - 1;
    Arrangement best = null;
    for (int prompts = first; prompts <= last && machines.size() > 1; prompts++) {
      question.watch().step();
      Arrangement next = SplitRoles.given(question.space(), machines, roles(machines, prompts));
      if (next.isFeasible() && (best == null || next.score() > best.score())) {
        best = next;
      }
    }
    if (best == null) {
      best = new SplitRoles().assign(question.space(), machines);
    }
    return best.isFeasible() ? best : null;
  }

  private static List<int[]> ourGroups(Question question) {
    question.watch().part(0.9, question.evaluations());
    List<Arrangement> found =
        GeneticSearch.run(
            question.space(), new SplitRoles(), question.watch(), question.options().seed(), 1);
    List<int[]> groups = new ArrayList<>();
    for (Arrangement arrangement : found) {
      for (Member member : arrangement.members()) {
        groups.add(member.devices());
      }
    }
    return groups;
  }

  private static List<int[]> inFleetOrder(List<int[]> machines) {
    List<int[]> sorted = new ArrayList<>(machines);
    sorted.sort(Comparator.comparingInt(machine -> lowest(machine)));
    return sorted;
  }

  private static int lowest(int[] machine) {
    int lowest = Integer.MAX_VALUE;
    for (int device : machine) {
      lowest = Math.min(lowest, device);
    }
    return lowest;
  }

  private static void shuffle(List<int[]> machines, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = machines.size() - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int[] machine = machines.get(i);
      machines.set(i, machines.get(j));
      machines.set(j, machine);
    }
  }

  private static Role[] roles(List<int[]> machines, int prompts) {
    Role[] roles = new Role[machines.size()];
    for (int i = 0; i < roles.length; i++) {
      roles[i] = i < prompts ? Role.PREFILL : Role.DECODE;
    }
    return roles;
  }
}
