package org.e2llm.transport.net;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class SurvivorsProperties {
  /** One TCP connection, and what each end knows of it. */
  private record Link(boolean dialledByA, long dial) {}

  private record End(Link link, boolean atA, long peerInstance) implements Survivors.Contender {
    @Override
    public String peer() {
      return atA ? "b" : "a";
    }

    @Override
    public Lane lane() {
      return Lane.HOT;
    }

    @Override
    public boolean dialled() {
      return atA == link.dialledByA();
    }

    @Override
    public long instance() {
      return peerInstance;
    }

    @Override
    public long dial() {
      return link.dial();
    }
  }

  @Property(tries = 500)
  void bothSidesKeepTheSameOneInWhateverOrderTheySeeThem(
      @ForAll @IntRange(min = 1, max = 4) int byA,
      @ForAll @IntRange(max = 4) int byB,
      @ForAll long seed) {
    List<Link> links = new ArrayList<>();
    for (int i = 0; i < byA; i++) {
      links.add(new Link(true, i));
    }
    for (int i = 0; i < byB; i++) {
      links.add(new Link(false, i));
    }
    Random random = new Random(seed);
    assertThat(survivor(links, true, random)).isEqualTo(survivor(links, false, random));
    assertThat(survivor(links, true, random)).isEqualTo(new Link(true, byA - 1));
  }

  private static Link survivor(List<Link> links, boolean atA, Random random) {
    List<Link> seen = new ArrayList<>(links);
    Collections.shuffle(seen, random);
    Survivors survivors = new Survivors(atA ? "a" : "b");
    for (Link link : seen) {
      End newcomer = new End(link, atA, atA ? 2 : 1);
      Survivors.Contender rival = survivors.rival(newcomer);
      if (rival == null || survivors.survives(newcomer, rival)) {
        survivors.put(newcomer);
      }
    }
    return ((End) survivors.rival(new End(links.get(0), atA, 0))).link();
  }

  @Property(tries = 50)
  void aPeerThatWasStartedAnewAlwaysWins(@ForAll boolean oldByA, @ForAll boolean newByA) {
    Survivors survivors = new Survivors("a");
    End old = new End(new Link(oldByA, 9), true, 1);
    survivors.put(old);
    End fresh = new End(new Link(newByA, 0), true, 2);
    assertThat(survivors.survives(fresh, old)).isTrue();
  }

  @Property(tries = 50)
  void onlyTheOneInUseIsTakenOut(@ForAll boolean byA) {
    Survivors survivors = new Survivors("a");
    End old = new End(new Link(byA, 0), true, 1);
    End fresh = new End(new Link(byA, 1), true, 1);
    survivors.put(old);
    survivors.put(fresh);
    survivors.remove(old);
    assertThat(survivors.rival(old)).isSameAs(fresh);
    survivors.remove(fresh);
    assertThat(survivors.rival(old)).isNull();
  }
}
