package org.e2llm.planner.workload;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoField;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Recorded requests: when they came, and how long prompt and output were.
 *
 * <p>The format is that of the Azure LLM inference traces (Splitwise, ISCA'24;
 * github.com/Azure/AzurePublicDataset, CC-BY): a header {@code
 * TIMESTAMP,ContextTokens,GeneratedTokens}, then a row per request, in order of time. A timestamp
 * is {@code 2023-11-16 18:17:03.9799600}, or a number of seconds.
 */
public final class Trace {
  /** The longest prompt; longer ones are clipped, and counted. */
  public static final int MAX_PROMPT = 8192;

  private static final String[] FIELDS = {"TIMESTAMP", "ContextTokens", "GeneratedTokens"};

  /** A tenth of what fits in memory on a phone; no recorded trace comes near. */
  private static final int MAX_ROWS = 10_000_000;

  private final String name;
  private double[] seconds = new double[1024];
  private int[] prompts = new int[1024];
  private int[] outputs = new int[1024];
  private int size;
  private int clipped;

  private Trace(String name) {
    this.name = name;
  }

  /**
   * Reads a file.
   *
   * @throws TraceFormatException if it is no such trace, or empty
   * @throws UncheckedIOException if it cannot be read
   */
  public static Trace read(Path file) {
    try (BufferedReader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
      return read(String.valueOf(file.getFileName()), reader);
    } catch (java.nio.charset.CharacterCodingException e) {
      throw new TraceFormatException(file + " is not a text in UTF-8", e);
    } catch (IOException e) {
      throw new UncheckedIOException("trace " + file + " cannot be read: " + e, e);
    }
  }

  /**
   * Reads from anywhere.
   *
   * @param name for messages and reports
   */
  public static Trace read(String name, Reader reader) throws IOException {
    Trace trace = new Trace(name);
    BufferedReader lines =
        reader instanceof BufferedReader buffered ? buffered : new BufferedReader(reader);
    checkHeader(name, lines.readLine());
    int number = 1;
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      number++;
      if (!line.isBlank()) {
        trace.add(number, line);
      }
    }
    if (trace.size == 0) {
      throw new TraceFormatException(
          name + " has no request: expected is at least one row after the header");
    }
    return trace;
  }

  private static void checkHeader(String name, @Nullable String line) {
    String header = line == null ? "" : line.startsWith("\uFEFF") ? line.substring(1) : line;
    if (!Arrays.equals(header.trim().split(",", -1), FIELDS)) {
      throw new TraceFormatException(
          name
              + " line 1: the header is \""
              + shortened(header)
              + "\", expected is \""
              + String.join(",", FIELDS)
              + "\"");
    }
  }

  private void add(int line, String row) {
    String[] fields = row.trim().split(",", -1);
    if (fields.length != FIELDS.length) {
      throw new TraceFormatException(
          name
              + " line "
              + line
              + ": "
              + fields.length
              + " fields, expected are "
              + FIELDS.length
              + ": "
              + String.join(",", FIELDS));
    }
    double time = seconds(line, fields[0]);
    if (size > 0 && time < seconds[size - 1]) {
      throw malformed(line, 0, fields[0], "a time not before that of the row above");
    }
    int prompt = tokens(line, 1, fields[1]);
    int output = tokens(line, 2, fields[2]);
    if (size == MAX_ROWS) {
      throw new TraceFormatException(name + " has more than " + MAX_ROWS + " requests");
    }
    if (size == seconds.length) {
      seconds = Arrays.copyOf(seconds, 2 * size);
      prompts = Arrays.copyOf(prompts, 2 * size);
      outputs = Arrays.copyOf(outputs, 2 * size);
    }
    clipped += prompt > MAX_PROMPT ? 1 : 0;
    seconds[size] = time;
    prompts[size] = Math.min(prompt, MAX_PROMPT);
    outputs[size++] = output;
  }

  private double seconds(int line, String field) {
    try {
      if (field.indexOf('-') > 0 && field.indexOf(':') > 0) {
        LocalDateTime time = LocalDateTime.parse(field.trim().replace(' ', 'T'));
        return time.toEpochSecond(ZoneOffset.UTC) + time.get(ChronoField.NANO_OF_SECOND) * 1e-9;
      }
      double number = Double.parseDouble(field);
      if (Math.abs(number) < 1e12) {
        return number;
      }
    } catch (DateTimeParseException | NumberFormatException e) {
      throw malformed(line, 0, field, "such as 2023-11-16 18:17:03.9799600, or seconds");
    }
    throw malformed(line, 0, field, "a time, such as 2023-11-16 18:17:03.9799600, or seconds");
  }

  private int tokens(int line, int field, String text) {
    try {
      int tokens = Integer.parseInt(text.trim());
      if (tokens > 0) {
        return tokens;
      }
    } catch (NumberFormatException e) {
      throw malformed(line, field, text, "a number of tokens, at least 1");
    }
    throw malformed(line, field, text, "at least 1 token");
  }

  private TraceFormatException malformed(int line, int field, String found, String expected) {
    return new TraceFormatException(
        name
            + " line "
            + line
            + ", "
            + FIELDS[field]
            + ": found \""
            + shortened(found)
            + "\", expected is "
            + expected);
  }

  private static String shortened(String text) {
    return text.length() <= 60 ? text : text.substring(0, 60) + "…";
  }

  public String name() {
    return name;
  }

  /** Requests. */
  public int size() {
    return size;
  }

  /** When a request came, in seconds since any fixed moment; never falls. */
  public double seconds(int request) {
    return seconds[request];
  }

  /** Tokens in, at most {@link #MAX_PROMPT}. */
  public int prompt(int request) {
    return prompts[request];
  }

  /** Tokens out. */
  public int output(int request) {
    return outputs[request];
  }

  /** Requests whose prompt was longer than {@link #MAX_PROMPT}. */
  public int clipped() {
    return clipped;
  }
}
