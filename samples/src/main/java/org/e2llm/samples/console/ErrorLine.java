package org.e2llm.samples.console;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import org.e2llm.E2llmException;

/** What went wrong, in one line a user can act on. */
public final class ErrorLine {
  private ErrorLine() {}

  /** The cause in words. */
  public static String of(Throwable error) {
    return oneLine(text(error));
  }

  /** The message as it is, however many lines it had. */
  public static String ofMessage(Throwable error) {
    return oneLine(messageOr(error, error.getClass().getSimpleName()));
  }

  private static String oneLine(String text) {
    return text.strip().replaceAll("\\s*\\R\\s*", " ");
  }

  private static String text(Throwable error) {
    if (error instanceof E2llmException || error instanceof UsageException) {
      return messageOr(error, error.getClass().getSimpleName());
    } else if (error instanceof UncheckedIOException unchecked && unchecked.getCause() != null) {
      return text(unchecked.getCause());
    } else if (error instanceof NoSuchFileException e) {
      return e.getFile() + ": no such file";
    } else if (error instanceof AccessDeniedException e) {
      return e.getFile() + ": permission denied";
    } else if (error instanceof FileSystemException e && e.getReason() != null) {
      return e.getFile() + ": " + e.getReason();
    } else if (error instanceof IOException) {
      return messageOr(error, "input or output failed");
    } else if (error instanceof OutOfMemoryError) {
      return "out of memory ("
          + messageOr(error, "Java heap")
          + "); a smaller --context or --batch, or a larger heap (E2LLM_JAVA_OPTS=-Xmx8g) may help";
    } else {
      return "internal error: " + error + "; E2LLM_TRACE=1 shows where";
    }
  }

  private static String messageOr(Throwable error, String otherwise) {
    String message = error.getMessage();
    return message == null || message.isBlank() ? otherwise : message;
  }
}
