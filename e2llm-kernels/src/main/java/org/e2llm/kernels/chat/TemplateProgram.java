package org.e2llm.kernels.chat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.e2llm.kernels.chat.Lexer.Kind;

/**
 * A chat template, parsed: text, {@code {{ … }}}, and the statements {@code for}, {@code if},
 * {@code set} and {@code macro}. Immutable; may run on several threads.
 */
final class TemplateProgram extends ExpressionParser {
  /** A part of the template, ready to run. */
  interface Statement {
    void run(Scope scope);
  }

  /** Ends or goes on with the innermost loop. */
  private static final class LoopJump extends RuntimeException {
    private static final long serialVersionUID = 1L;
    final boolean leave;

    LoopJump(boolean leave) {
      super(null, null, false, false);
      this.leave = leave;
    }
  }

  private static final int MAX_NESTING = 100;

  private final List<Statement> statements;
  private int nesting;

  private TemplateProgram(String source) {
    super(Lexer.tokens(source));
    this.statements = block();
    expect(Kind.END);
  }

  /**
   * @throws TemplateException where the source is not of the known part of Jinja
   */
  static TemplateProgram parse(String source) {
    return new TemplateProgram(source);
  }

  /** Runs with {@code names} as globals. */
  Text run(Map<String, Object> names) {
    Scope scope = Scope.root();
    names.forEach(scope::set);
    scope.set("namespace", (Values.Function) Builtins::namespace);
    scope.set("range", (Values.Function) Builtins::range);
    run(statements, scope);
    return scope.output();
  }

  private static void run(List<Statement> statements, Scope scope) {
    for (Statement statement : statements) {
      scope.step();
      statement.run(scope);
    }
  }

  /** Statements up to a block whose first word is one of {@code ends}, which is then next. */
  private List<Statement> block(String... ends) {
    if (++nesting > MAX_NESTING) {
      throw new TemplateException("blocks are nested deeper than " + MAX_NESTING);
    }
    List<Statement> block = new ArrayList<>();
    while (peek().kind() != Kind.END) {
      switch (peek().kind()) {
        case TEXT:
          Text text = Text.ofTemplate(next().value());
          block.add(scope -> scope.print(text));
          break;
        case PRINT_START:
          next();
          Expression value = expression();
          expect(Kind.PRINT_END);
          block.add(scope -> scope.print(Values.text(value.value(scope))));
          break;
        default:
          expect(Kind.BLOCK_START);
          for (String end : ends) {
            if (isNext(end)) {
              nesting--;
              return block;
            }
          }
          block.add(statement(expect(Kind.NAME).value()));
          break;
      }
    }
    if (ends.length > 0) {
      throw new TemplateException("'" + String.join("' or '", ends) + "' is missing");
    }
    nesting--;
    return block;
  }

  private Statement statement(String word) {
    switch (word) {
      case "for":
        return loop();
      case "if":
        return condition();
      case "set":
        return assignment();
      case "macro":
        return macro();
      case "generation": // marks the assistant's text for training; prints what it holds
        expect(Kind.BLOCK_END);
        List<Statement> body = closed(block("endgeneration"), "endgeneration");
        return scope -> run(body, scope);
      case "break":
      case "continue":
        expect(Kind.BLOCK_END);
        return scope -> {
          throw new LoopJump(word.equals("break"));
        };
      default:
        throw new TemplateException("statement '" + word + "' is not known");
    }
  }

  private List<Statement> closed(List<Statement> body, String end) {
    expect(end);
    expect(Kind.BLOCK_END);
    return body;
  }

  private Statement condition() {
    if (++nesting > MAX_NESTING) {
      throw new TemplateException("conditions are nested deeper than " + MAX_NESTING);
    }
    Expression condition = expression();
    expect(Kind.BLOCK_END);
    List<Statement> then = block("elif", "else", "endif");
    Statement otherwise;
    if (accept("elif")) {
      otherwise = condition();
    } else if (accept("else")) {
      expect(Kind.BLOCK_END);
      List<Statement> body = closed(block("endif"), "endif");
      otherwise = scope -> run(body, scope);
    } else {
      closed(then, "endif");
      otherwise = scope -> {};
    }
    nesting--;
    return scope -> {
      if (Values.truthy(condition.value(scope))) {
        run(then, scope);
      } else {
        otherwise.run(scope);
      }
    };
  }

  private Statement assignment() {
    String name = expect(Kind.NAME).value();
    if (accept(".")) {
      String member = expect(Kind.NAME).value();
      expect("=");
      Expression value = expression();
      expect(Kind.BLOCK_END);
      return scope -> setMember(scope.get(name), member, value.value(scope));
    }
    if (accept("=")) {
      Expression value = expression();
      expect(Kind.BLOCK_END);
      return scope -> scope.set(name, value.value(scope));
    }
    expect(Kind.BLOCK_END);
    List<Statement> body = closed(block("endset"), "endset");
    return scope -> scope.set(name, scope.capture(() -> run(body, scope)));
  }

  @SuppressWarnings("unchecked")
  private static void setMember(Object target, String member, Object value) {
    if (!(target instanceof LinkedHashMap)) {
      throw new TemplateException("it sets '" + member + "' of what is no namespace");
    }
    ((Map<String, Object>) target).put(member, value);
  }

  private Statement loop() {
    List<String> names = new ArrayList<>();
    do {
      names.add(expect(Kind.NAME).value());
    } while (accept(","));
    expect("in");
    Expression items = or();
    Expression filter = accept("if") ? expression() : scope -> true;
    expect(Kind.BLOCK_END);
    List<Statement> body = block("else", "endfor");
    List<Statement> otherwise;
    if (accept("else")) {
      expect(Kind.BLOCK_END);
      otherwise = block("endfor");
    } else {
      otherwise = List.of();
    }
    closed(body, "endfor");
    return scope -> {
      List<Scope> rounds = new ArrayList<>();
      for (Object item : Values.list(items.value(scope))) {
        scope.step();
        Scope round = scope.child();
        bind(names, item, round);
        if (Values.truthy(filter.value(round))) {
          rounds.add(round);
        }
      }
      runRounds(rounds, body, names.get(0));
      if (rounds.isEmpty()) {
        run(otherwise, scope);
      }
    };
  }

  private static void bind(List<String> names, Object item, Scope scope) {
    if (names.size() == 1) {
      scope.set(names.get(0), item);
      return;
    }
    List<Object> parts = Values.list(item);
    if (parts.size() != names.size()) {
      throw new TemplateException(parts.size() + " values for " + names.size() + " names");
    }
    for (int i = 0; i < parts.size(); i++) {
      scope.set(names.get(i), parts.get(i));
    }
  }

  private static void runRounds(List<Scope> rounds, List<Statement> body, String name) {
    for (int i = 0; i < rounds.size(); i++) {
      Map<String, Object> loop = new HashMap<>();
      loop.put("index0", (long) i);
      loop.put("index", i + 1L);
      loop.put("revindex0", (long) rounds.size() - 1 - i);
      loop.put("revindex", (long) rounds.size() - i);
      loop.put("first", i == 0);
      loop.put("last", i == rounds.size() - 1);
      loop.put("length", (long) rounds.size());
      if (i > 0) {
        loop.put("previtem", rounds.get(i - 1).get(name));
      }
      if (i + 1 < rounds.size()) {
        loop.put("nextitem", rounds.get(i + 1).get(name));
      }
      rounds.get(i).set("loop", loop);
      try {
        run(body, rounds.get(i));
      } catch (LoopJump jump) {
        if (jump.leave) {
          return;
        }
      }
    }
  }

  private Statement macro() {
    String name = expect(Kind.NAME).value();
    expect("(");
    List<String> parameters = new ArrayList<>();
    Map<String, Expression> defaults = new HashMap<>();
    while (!accept(")")) {
      String parameter = expect(Kind.NAME).value();
      parameters.add(parameter);
      if (accept("=")) {
        defaults.put(parameter, expression());
      }
      if (!isNext(")")) {
        expect(",");
      }
    }
    expect(Kind.BLOCK_END);
    List<Statement> body = closed(block("endmacro"), "endmacro");
    return scope ->
        scope.set(
            name,
            (Values.Function)
                (arguments, named) -> {
                  Scope inner = scope.child();
                  for (int i = 0; i < parameters.size(); i++) {
                    String parameter = parameters.get(i);
                    Expression absent = defaults.get(parameter);
                    Object value = i < arguments.size() ? arguments.get(i) : named.get(parameter);
                    if (value == null) {
                      value = absent == null ? Values.UNDEFINED : absent.value(scope);
                    }
                    inner.set(parameter, value);
                  }
                  return inner.capture(() -> run(body, inner));
                });
  }
}
