package org.e2llm.samples;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.logging.LogManager;
import org.e2llm.samples.bench.Bench;
import org.e2llm.samples.chat.Chat;
import org.e2llm.samples.cluster.ClusterCommand;
import org.e2llm.samples.cluster.DoctorCommand;
import org.e2llm.samples.cluster.Peer;
import org.e2llm.samples.cluster.SecretCommand;
import org.e2llm.samples.console.Console;
import org.e2llm.samples.console.ErrorLine;
import org.e2llm.samples.generate.Generate;
import org.e2llm.samples.inspect.Inspect;
import org.e2llm.samples.logits.Logits;
import org.e2llm.samples.perplexity.Perplexity;
import org.e2llm.samples.plan.PlanCommand;
import org.e2llm.samples.study.Study;
import org.e2llm.samples.tokenize.Tokenize;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The samples, one subcommand each: {@code samples/run generate "Once upon a time"}.
 *
 * <p>Ends with 0, with 1 after an error, with 2 if the command line is wrong, with 130 after
 * Ctrl-C. An error is one line on standard error; with {@code E2LLM_TRACE=1} its stack trace
 * follows, and the library's log is shown.
 */
@Command(
    name = "samples/run",
    description = "Runs language models with E2LLM, a Java library.",
    synopsisSubcommandLabel = "COMMAND",
    commandListHeading = "%nCommands (each has its own --help):%n",
    footer = {
      "",
      "Examples:",
      "  samples/run generate \"Once upon a time\"",
      "  samples/run chat --model SmolLM2-135M-Instruct-Q4_1.gguf",
      "  samples/run inspect model.gguf",
      "  samples/run plan --fleet full12 --model qwen25-32b-q4 --workload conv",
      "  samples/run peer --secret-file kitchen.secret --model model.gguf"
    })
public final class Main implements Runnable {
  private static final int ERROR = 1;
  private static final int USAGE_ERROR = 2;
  private static final boolean TRACE = "1".equals(System.getenv("E2LLM_TRACE"));

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      scope = ScopeType.INHERIT,
      description = "Show this help.")
  @SuppressWarnings("UnusedVariable") // picocli acts on it
  private boolean help;

  private final Console console;

  private Main(Console console) {
    this.console = console;
  }

  public static void main(String... args) {
    if (!TRACE && System.getProperty("java.util.logging.config.file") == null) {
      LogManager.getLogManager().reset(); // errors are reported once, by us, in one line
    }
    System.exit(run(Console.ofProcess(), args));
  }

  /** Runs one command; gives its exit code, and never throws. */
  public static int run(Console console, String... args) {
    try {
      return commandLine(console).execute(args);
    } catch (Throwable e) { // also errors of the JVM: no memory, a class that is missing
      return report(console, e);
    }
  }

  private static CommandLine commandLine(Console console) {
    CommandLine main = new CommandLine(new Main(console));
    List.of(
            new Generate(console),
            new Chat(console),
            new Tokenize(console),
            new Logits(console),
            new Perplexity(console),
            new Bench(console),
            new Inspect(console),
            new PlanCommand(console),
            new Study(console),
            new SecretCommand(console),
            new Peer(console),
            new ClusterCommand(console),
            new DoctorCommand(console))
        .forEach(main::addSubcommand);
    main.getSubcommands().values().forEach(Main::setApart);
    setApart(main);
    return main.setExpandAtFiles(false) // a prompt may start with @
        .setPosixClusteredShortOptionsAllowed(false)
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setColorScheme(CommandLine.Help.defaultColorScheme(Ansi.OFF))
        .setUsageHelpWidth(100)
        .setOut(console.writer())
        .setParameterExceptionHandler((e, args) -> reportUsage(console, e))
        .setExecutionExceptionHandler((e, command, result) -> report(console, e));
  }

  /** Puts empty lines between the parts of the help. */
  private static void setApart(CommandLine command) {
    command
        .getCommandSpec()
        .usageMessage()
        .descriptionHeading("%n")
        .parameterListHeading("%n")
        .optionListHeading("%n");
  }

  @Override
  public void run() {
    console.print(commandLine(console).getUsageMessage(Ansi.OFF));
  }

  private static int report(Console console, Throwable error) {
    if (error instanceof Console.ClosedOutputException) {
      return 0; // the reader has seen enough
    }
    console.noteln("error: " + ErrorLine.of(error));
    trace(console, error);
    return ERROR;
  }

  private static int reportUsage(Console console, ParameterException error) {
    StringBuilder line = new StringBuilder("error: ").append(ErrorLine.ofMessage(error));
    if (error instanceof UnmatchedArgumentException unmatched) {
      List<String> suggestions = unmatched.getSuggestions();
      if (!suggestions.isEmpty()) {
        line.append("; did you mean ").append(suggestions.get(0)).append('?');
      } else if (!unmatched.isUnknownOption()) {
        line.append("; a text of several words needs quotes");
      }
    }
    String command = error.getCommandLine().getCommandSpec().qualifiedName();
    console.noteln(line.append("; see ").append(command).append(" --help").toString());
    trace(console, error);
    return USAGE_ERROR;
  }

  private static void trace(Console console, Throwable error) {
    if (TRACE) {
      StringWriter text = new StringWriter();
      error.printStackTrace(new PrintWriter(text));
      console.note(text.toString());
    }
  }
}
