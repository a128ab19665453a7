package org.e2llm.transport.cluster;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.e2llm.plan.PlanOrder;
import org.jspecify.annotations.Nullable;

/**
 * The plans that this peer must be able to work by: the one in force, the one that new sessions use
 * until every device serves the one in force, and those on which sessions still run. What is older
 * is fenced off: it never comes back.
 */
public final class PlanBook {
  /** How a plan stands here. */
  public enum Standing {
    /** In force. */
    CURRENT,
    /** Sessions run on it, or new ones use it because the one in force is not ready. */
    HELD,
    /** Nothing is done by it any more. */
    OLD,
    /** Newer than any known here: it will come. */
    AHEAD
  }

  private static final class Page {
    final PublishedPlan plan;
    boolean ready;
    int sessions;

    Page(PublishedPlan plan) {
      this.plan = plan;
    }
  }

  private final NavigableMap<PlanOrder, Page> pages = new TreeMap<>();

  /** The plan in force, if there is one. */
  public @Nullable PublishedPlan current() {
    return pages.isEmpty() ? null : pages.lastEntry().getValue().plan;
  }

  /** The order of the plan in force, or {@link PlanOrder#NONE}. */
  public PlanOrder adopted() {
    return pages.isEmpty() ? PlanOrder.NONE : pages.lastKey();
  }

  /**
   * The highest plan of which every device served its stage: new sessions use it, unless a device
   * of it has gone since.
   */
  public @Nullable PublishedPlan ready() {
    for (Page page : pages.descendingMap().values()) {
      if (page.ready) {
        return page.plan;
      }
    }
    return null;
  }

  /** The plan of this order, if it is still known. */
  public @Nullable PublishedPlan get(PlanOrder order) {
    Page page = pages.get(order);
    return page == null ? null : page.plan;
  }

  public Standing standing(PlanOrder order) {
    if (pages.isEmpty() || order.compareTo(pages.lastKey()) > 0) {
      return Standing.AHEAD;
    }
    if (!pages.containsKey(order)) {
      return Standing.OLD;
    }
    return order.equals(pages.lastKey()) ? Standing.CURRENT : Standing.HELD;
  }

  /** Whether a new session may begin on it: it is in force, or the last one that was ready. */
  public boolean opens(PlanOrder order) {
    PublishedPlan ready = ready();
    return standing(order) == Standing.CURRENT || (ready != null && ready.order().equals(order));
  }

  /** A session begins on a known plan. */
  public void hold(PlanOrder order) {
    Page page = pages.get(order);
    if (page == null) {
      throw new IllegalStateException("plan " + order + " is not known");
    }
    page.sessions++;
  }

  /** A session on it ended; gives the plans that nothing refers to any more. */
  public List<PlanOrder> release(PlanOrder order) {
    Page page = pages.get(order);
    if (page == null || page.sessions == 0) {
      throw new IllegalStateException("no session runs on plan " + order);
    }
    page.sessions--;
    return retire();
  }

  /** A higher plan is in force; gives those that nothing refers to any more. */
  List<PlanOrder> adopt(PublishedPlan plan) {
    if (plan.order().compareTo(adopted()) <= 0) {
      throw new IllegalStateException("plan " + plan.order() + " is not above " + adopted());
    }
    pages.put(plan.order(), new Page(plan));
    return retire();
  }

  /** Every device of the plan in force serves. */
  List<PlanOrder> allServe() {
    pages.lastEntry().getValue().ready = true;
    return retire();
  }

  boolean currentIsReady() {
    return !pages.isEmpty() && pages.lastEntry().getValue().ready;
  }

  private List<PlanOrder> retire() {
    List<PlanOrder> retired = new ArrayList<>();
    PublishedPlan ready = ready();
    Iterator<Page> all = pages.values().iterator();
    while (all.hasNext()) {
      Page page = all.next();
      PlanOrder order = page.plan.order();
      boolean opens = order.equals(adopted()) || page.plan == ready;
      if (!opens && page.sessions == 0) {
        all.remove();
        retired.add(order);
      }
    }
    return retired;
  }
}
