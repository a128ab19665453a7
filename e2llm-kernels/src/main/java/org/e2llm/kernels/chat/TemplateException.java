package org.e2llm.kernels.chat;

/** The template uses what the interpreter does not know, or goes past its limits. */
final class TemplateException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  TemplateException(String message) {
    super(message);
  }
}
