package org.e2llm.transport.discovery;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.e2llm.transport.discovery.CandidateBook.Change;
import org.e2llm.transport.discovery.CandidateBook.Kind;
import org.e2llm.transport.discovery.CandidateBook.Sighting;

class CandidateBookProperties {
  record Look(String source, List<Sighting> sightings) {}

  @Property
  void changesTellTheWholeStory(@ForAll("looks") List<Look> looks) {
    CandidateBook book = new CandidateBook();
    Map<String, Candidate> told = new HashMap<>();
    for (Look look : looks) {
      for (Change change : book.see(look.source(), look.sightings())) {
        Candidate candidate = change.candidate();
        Candidate before = told.get(candidate.key());
        switch (change.kind()) {
          case FOUND -> assertThat(before).isNull();
          case UPDATED -> assertThat(before).isNotNull().isNotEqualTo(candidate);
          case GONE -> assertThat(before).isEqualTo(candidate);
        }
        if (change.kind() == Kind.GONE) {
          told.remove(candidate.key());
        } else {
          told.put(candidate.key(), candidate);
        }
      }
      assertThat(told.values()).containsExactlyInAnyOrderElementsOf(book.candidates());
    }
    for (String source : List.of("a", "b", "c")) {
      book.see(source, List.of());
    }
    assertThat(book.candidates()).isEmpty();
  }

  @Property
  void candidatesCanBeConnectedTo(@ForAll("looks") List<Look> looks) {
    CandidateBook book = new CandidateBook();
    looks.forEach(look -> book.see(look.source(), look.sightings()));
    for (Candidate candidate : book.candidates()) {
      assertThat(candidate.port()).isBetween(1, 65535);
      assertThat(candidate.addresses())
          .isNotEmpty()
          .doesNotHaveDuplicates()
          .noneMatch(a -> a.isAnyLocalAddress() || a.isMulticastAddress());
    }
  }

  @Example
  void aFloodIsBoundedAndDoesNotDriveOutWhoIsKnown() throws Exception {
    CandidateBook book = new CandidateBook();
    Sighting friend = new Sighting("ffffffffffffffff", List.of(address("10.0.0.1")), 7000);
    book.see("wlan0", List.of(friend));
    List<Sighting> flood = new ArrayList<>();
    for (int i = 0; i < 5000; i++) {
      flood.add(new Sighting(String.format("%016x", i), List.of(address("10.0.0.9")), 1 + i));
    }
    flood.add(friend);
    List<Change> changes = book.see("wlan0", flood);
    assertThat(changes).hasSize(CandidateBook.MOST_CANDIDATES - 1);
    assertThat(book.candidates()).anyMatch(candidate -> candidate.key().equals(friend.key()));
  }

  @Example
  void onePeerOnTwoInterfacesIsOneCandidateIpv4First() throws Exception {
    CandidateBook book = new CandidateBook();
    InetAddress six = address("fe80::1");
    book.see("eth0 v6", List.of(new Sighting("aa", List.of(six), 7000)));
    List<Change> changes =
        book.see("wlan0", List.of(new Sighting("aa", List.of(address("10.0.0.1")), 7000)));
    assertThat(changes).hasSize(1);
    assertThat(changes.get(0).kind()).isEqualTo(Kind.UPDATED);
    assertThat(changes.get(0).candidate().addresses()).containsExactly(address("10.0.0.1"), six);
    assertThat(changes.get(0).candidate().endpoints().get(0).getPort()).isEqualTo(7000);
  }

  @Provide
  Arbitrary<List<Look>> looks() {
    Arbitrary<InetAddress> addresses =
        Arbitraries.of("10.0.0.1", "10.0.0.2", "fe80::1", "fd00::2", "0.0.0.0", "224.0.0.251")
            .map(CandidateBookProperties::address);
    Arbitrary<Sighting> sightings =
        Combinators.combine(
                Arbitraries.of("k1", "k2", "k3", "k4"),
                addresses.list().ofMaxSize(3),
                Arbitraries.of(0, 1, 7000, 7001, 65535, 65536))
            .as(Sighting::new);
    return Combinators.combine(Arbitraries.of("a", "b", "c"), sightings.list().ofMaxSize(4))
        .as(Look::new)
        .list()
        .ofMaxSize(12);
  }

  private static InetAddress address(String text) {
    try {
      return InetAddress.getByName(text);
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException(e);
    }
  }
}
