package org.e2llm.samples.chaos;

import java.util.List;
import java.util.Set;

/** What connects the processes of a test. */
interface Lan extends AutoCloseable {
  /** As many places as were asked for. */
  List<Place> places();

  /** Whether links can fail here: the methods below work. */
  boolean hasLinks();

  /** Takes the link of a place down, or up again. */
  void link(int place, boolean up);

  /** Lets what a place sends through and drops what is sent to it, or mends that. */
  void deaf(int place, boolean deaf);

  /** Nobody of the set reaches anybody outside it any more, or all reach each other again. */
  void partition(Set<Integer> set, boolean split);

  @Override
  void close();
}
