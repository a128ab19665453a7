package org.e2llm.serving;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Function;
import org.e2llm.E2llmException;
import org.e2llm.StageFailedException;
import org.e2llm.pipeline.Replica;

/** Work for the serving thread that another thread waits for. */
final class ServingTask<T> {
  private final Function<Replica, T> work;
  private final CompletableFuture<T> result = new CompletableFuture<>();

  ServingTask(Function<Replica, T> work) {
    this.work = work;
  }

  /** Does it; on the serving thread. */
  void run(Replica replica) {
    try {
      result.complete(work.apply(replica));
    } catch (Throwable e) { // given to whoever waits
      result.completeExceptionally(e);
    }
  }

  /** Says that it will not be done. */
  void refuse(E2llmException reason) {
    result.completeExceptionally(reason);
  }

  /** Waits for the result, also through interrupts (the flag is kept). */
  T await() {
    try {
      return result.join();
    } catch (CompletionException e) {
      Throwable cause = e.getCause();
      if (cause instanceof E2llmException failure) {
        throw failure;
      }
      throw new StageFailedException("a stage failed: " + cause, cause);
    }
  }
}
