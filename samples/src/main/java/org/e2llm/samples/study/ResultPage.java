package org.e2llm.samples.study;

import java.util.List;

final class ResultPage {
  ResultPage(List<Result> results) {}

  String markdown() { return ""; }
}
