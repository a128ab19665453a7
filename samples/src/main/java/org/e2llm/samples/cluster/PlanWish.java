package org.e2llm.samples.cluster;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.e2llm.E2llm;
import org.e2llm.plan.Plan;
import org.e2llm.plan.PlanCodec;
import org.e2llm.plan.PlanOptions;
import org.e2llm.samples.console.SloOption;
import org.e2llm.samples.console.UsageException;
import org.e2llm.samples.console.WorkloadOption;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The plan that a command wants for the cluster, or what kind of plan, and what it is to keep. */
final class PlanWish {
  private static final Pattern ENDS = Pattern.compile("([1-9][0-9]{0,3}),([1-9][0-9]{0,3})");

  @Option(
      names = "--plan",
      paramLabel = "FILE.json",
      description = "A plan to be in force whenever all its devices are there.")
  private @Nullable Path file;

  @Option(
      names = "--throughput",
      description =
          "Plans for many requests at a time; default: for one that is done as soon as possible.")
  private boolean throughput;

  @Option(
      names = "--slo",
      paramLabel = "ttft=S,tpot=S",
      description =
          "Seconds to the first token and per token after it that are to be kept, also without a"
              + " cluster; default: no limits.")
  private @Nullable String slo;

  @Option(
      names = "--workload",
      paramLabel = "prompt=N,answer=N,rate=R",
      description =
          "Requests that plans are made for: tokens of a prompt and of an answer, and how many come"
              + " in a second; at-once=N in place of rate=R says how many run at a time. Includes"
              + " --throughput if more than one does; default: short chats.")
  private @Nullable String workload;

  @Option(
      names = "--keep-ends",
      paramLabel = "FIRST,LAST",
      description =
          "Layers at both ends of the model that stay on this device with embedding and head, such"
              + " as 2,2: no other one sees a token. Needs --memory.")
  private @Nullable String ends;

  private @Nullable Plan plan;

  void apply(E2llm.Builder builder) {
    if (file != null) {
      try {
        plan = PlanCodec.parse(Files.readString(file, StandardCharsets.UTF_8));
      } catch (IOException e) {
        throw new UncheckedIOException("the plan " + file + " cannot be read", e);
      }
      builder.plan(plan);
    }
    if (throughput) {
      builder.planOptions(PlanOptions.builder().throughput(true).build());
    }
    if (slo != null) {
      builder.slo(SloOption.parse(slo));
    }
    if (workload != null) {
      builder.workload(WorkloadOption.parse(workload));
    }
    if (ends != null) {
      Matcher layers = ENDS.matcher(ends);
      if (!layers.matches()) {
        throw new UsageException("--keep-ends " + ends + ": expected is FIRST,LAST such as 2,2");
      }
      builder.keepEnds(Integer.parseInt(layers.group(1)), Integer.parseInt(layers.group(2)));
    }
  }

  /** The given plan, once it was applied; null if none was. */
  @Nullable Plan plan() {
    return plan;
  }
}
