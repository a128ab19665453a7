package org.e2llm.samples.study;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.e2llm.PlanCancelledException;
import org.e2llm.samples.console.Console;
import org.e2llm.samples.console.Interrupt;
import org.jspecify.annotations.Nullable;

/** Measures the cells that are missing, several settings at a time; Ctrl-C stops between cells. */
final class StudyRun {
  private final Console console;
  private final CellFilter filter;
  private final References references;
  private final Results results;
  private final AtomicBoolean stopped = new AtomicBoolean();

  StudyRun(Console console, CellFilter filter, References references, Results results) {
    this.console = console;
    this.filter = filter;
    this.references = references;
    this.results = results;
  }

  /**
   * Runs until all is there, or it is interrupted.
   *
   * @param jobs settings at the same time
   * @param make prepares the run of a setting
   * @return the exit code
   */
  int run(int jobs, Function<Setting, SettingRun> make, int seeds) {
    List<Setting> settings = new ArrayList<>(Setting.all());
    settings.removeIf(setting -> missing(setting).isEmpty());
    int cells = settings.stream().mapToInt(setting -> missing(setting).size()).sum();
    ExecutorService threads = Executors.newFixedThreadPool(jobs);
    try (Pace pace = new Pace(console, cells);
        Interrupt ignored = Interrupt.on(() -> stopped.set(true))) {
      List<Future<?>> parts = new ArrayList<>();
      for (Setting setting : settings) {
        SettingRun run = make.apply(setting);
        run.stopWhen(stopped::get);
        parts.add(threads.submit(() -> measure(setting, run, seeds, pace)));
      }
      for (Future<?> part : parts) {
        part.get();
      }
      console.noteln(cells + " cells measured, all that were missing.");
      return 0;
    } catch (ExecutionException e) {
      stopped.set(true);
      if (e.getCause() instanceof PlanCancelledException) {
        console.noteln("Stopped. The same command goes on from here.");
        return Interrupt.EXIT_CODE;
      }
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw new AssertionError(e.getCause());
    } catch (InterruptedException e) {
      stopped.set(true);
      Thread.currentThread().interrupt();
      return Interrupt.EXIT_CODE;
    } finally {
      threads.shutdownNow();
    }
  }

  private List<Double> missing(Setting setting) {
    List<Double> loads = setting.loads(filter);
    loads.removeIf(load -> results.has(setting.path() + "/" + load));
    return loads;
  }

  private void measure(Setting setting, SettingRun run, int seeds, Pace pace) {
    @Nullable Reference known = references.get(setting);
    Reference reference = known == null ? run.reference() : known;
    if (known == null) {
      references.put(setting, reference);
    }
    for (double load : missing(setting)) {
      results.add(run.cell(load, seeds, reference));
      pace.done(setting.path() + "/" + load);
    }
  }
}
