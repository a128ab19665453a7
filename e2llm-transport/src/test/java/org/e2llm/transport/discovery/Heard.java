package org.e2llm.transport.discovery;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** Remembers what a discovery has told. */
final class Heard implements DiscoveryListener {
  final Map<String, Candidate> present = new ConcurrentHashMap<>();
  final List<Candidate> gone = new CopyOnWriteArrayList<>();
  final Map<String, Candidate> strangers = new ConcurrentHashMap<>();

  @Override
  public void found(Candidate candidate) {
    present.put(candidate.key(), candidate);
  }

  @Override
  public void updated(Candidate candidate) {
    present.put(candidate.key(), candidate);
  }

  @Override
  public void gone(Candidate candidate) {
    present.remove(candidate.key());
    gone.add(candidate);
  }

  @Override
  public void stranger(Candidate candidate) {
    strangers.put(candidate.key(), candidate);
  }

  boolean hasPort(int port) {
    return present.values().stream().anyMatch(candidate -> candidate.port() == port);
  }
}
