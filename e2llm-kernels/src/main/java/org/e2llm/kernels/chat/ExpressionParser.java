package org.e2llm.kernels.chat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.e2llm.kernels.chat.Lexer.Kind;
import org.e2llm.kernels.chat.Lexer.Token;

/** Parses Jinja expressions, loosest binding first, into functions of a scope. */
class ExpressionParser {
  /** An expression, ready to be evaluated. */
  interface Expression {
    Object value(Scope scope);
  }

  private static final int MAX_DEPTH = 200;

  private final List<Token> tokens;
  private int at;
  private int depth;

  ExpressionParser(List<Token> tokens) {
    this.tokens = tokens;
  }

  // --- tokens

  final Token peek() {
    return tokens.get(at);
  }

  final Token next() {
    Token token = tokens.get(at);
    if (token.kind() != Kind.END) {
      at++;
    }
    return token;
  }

  final boolean isNext(String word) {
    Token token = peek();
    return token.value().equals(word)
        && (token.kind() == Kind.NAME || token.kind() == Kind.OPERATOR);
  }

  final boolean accept(String word) {
    if (isNext(word)) {
      at++;
      return true;
    }
    return false;
  }

  final void expect(String word) {
    if (!accept(word)) {
      throw new TemplateException("'" + word + "' is expected, found '" + peek().value() + "'");
    }
  }

  final Token expect(Kind kind) {
    Token token = next();
    if (token.kind() != kind) {
      throw new TemplateException(kind + " is expected, found '" + token.value() + "'");
    }
    return token;
  }

  private boolean isWordAfter(String word) {
    return tokens.get(Math.min(at + 1, tokens.size() - 1)).value().equals(word);
  }

  // --- expressions

  final Expression expression() {
    if (++depth > MAX_DEPTH) {
      throw new TemplateException("expressions are nested deeper than " + MAX_DEPTH);
    }
    Expression value = conditional();
    depth--;
    return value;
  }

  private Expression conditional() {
    Expression value = or();
    if (!accept("if")) {
      return value;
    }
    Expression condition = or();
    Expression otherwise = accept("else") ? expression() : scope -> Values.UNDEFINED;
    return scope ->
        Values.truthy(condition.value(scope)) ? value.value(scope) : otherwise.value(scope);
  }

  final Expression or() {
    Expression left = and();
    while (accept("or")) {
      Expression a = left;
      Expression b = and();
      left =
          scope -> {
            Object value = a.value(scope);
            return Values.truthy(value) ? value : b.value(scope);
          };
    }
    return left;
  }

  private Expression and() {
    Expression left = not();
    while (accept("and")) {
      Expression a = left;
      Expression b = not();
      left =
          scope -> {
            Object value = a.value(scope);
            return Values.truthy(value) ? b.value(scope) : value;
          };
    }
    return left;
  }

  private Expression not() {
    int count = 0;
    while (accept("not")) {
      count++;
    }
    Expression value = comparison();
    boolean negate = count % 2 == 1;
    return count == 0 ? value : scope -> Values.truthy(value.value(scope)) != negate;
  }

  private Expression comparison() {
    Expression left = sum();
    while (true) {
      Expression a = left;
      if (accept("==")) {
        Expression b = sum();
        left = scope -> Values.equal(a.value(scope), b.value(scope));
      } else if (accept("!=")) {
        Expression b = sum();
        left = scope -> !Values.equal(a.value(scope), b.value(scope));
      } else if (accept("<")) {
        Expression b = sum();
        left = scope -> Values.compare(a.value(scope), b.value(scope)) < 0;
      } else if (accept("<=")) {
        Expression b = sum();
        left = scope -> Values.compare(a.value(scope), b.value(scope)) <= 0;
      } else if (accept(">")) {
        Expression b = sum();
        left = scope -> Values.compare(a.value(scope), b.value(scope)) > 0;
      } else if (accept(">=")) {
        Expression b = sum();
        left = scope -> Values.compare(a.value(scope), b.value(scope)) >= 0;
      } else if (accept("in")) {
        Expression b = sum();
        left = scope -> Values.contains(b.value(scope), a.value(scope));
      } else if (isNext("not") && isWordAfter("in")) {
        expect("not");
        expect("in");
        Expression b = sum();
        left = scope -> !Values.contains(b.value(scope), a.value(scope));
      } else {
        return left;
      }
    }
  }

  private Expression sum() {
    Expression left = product();
    while (true) {
      Expression a = left;
      if (accept("+")) {
        Expression b = product();
        left = scope -> scope.joined(Values.add(a.value(scope), b.value(scope)));
      } else if (accept("-")) {
        Expression b = product();
        left = scope -> Values.number(a.value(scope)) - Values.number(b.value(scope));
      } else if (accept("~")) {
        Expression b = product();
        left = scope -> scope.joined(Values.text(a.value(scope)).plus(Values.text(b.value(scope))));
      } else {
        return left;
      }
    }
  }

  private Expression product() {
    Expression left = unary();
    while (true) {
      Expression a = left;
      if (accept("*")) {
        Expression b = unary();
        left = scope -> Values.number(a.value(scope)) * Values.number(b.value(scope));
      } else if (accept("%")) {
        Expression b = unary();
        left = scope -> Math.floorMod(Values.number(a.value(scope)), divisor(b.value(scope)));
      } else if (accept("//")) {
        Expression b = unary();
        left = scope -> Math.floorDiv(Values.number(a.value(scope)), divisor(b.value(scope)));
      } else {
        return left;
      }
    }
  }

  private static long divisor(Object value) {
    long divisor = Values.number(value);
    if (divisor == 0) {
      throw new TemplateException("it divides by zero");
    }
    return divisor;
  }

  private Expression unary() {
    if (accept("-")) {
      Expression value = filtered(postfix(primary()));
      return scope -> -Values.number(value.value(scope));
    }
    return filtered(postfix(primary()));
  }

  private Expression primary() {
    Token token = next();
    switch (token.kind()) {
      case STRING:
        Text text = Text.ofTemplate(token.value());
        while (peek().kind() == Kind.STRING) {
          text = text.plus(Text.ofTemplate(next().value()));
        }
        Text literal = text;
        return scope -> literal;
      case NUMBER:
        long number = number(token.value());
        return scope -> number;
      case NAME:
        return name(token.value());
      case OPERATOR:
        if (token.value().equals("(")) {
          return parenthesis();
        }
        if (token.value().equals("[")) {
          List<Expression> items = items("]");
          return scope -> values(items, scope);
        }
        if (token.value().equals("{")) {
          return mapping();
        }
        break;
      default:
        break;
    }
    throw new TemplateException("an expression is expected, found '" + token.value() + "'");
  }

  private static long number(String digits) {
    try {
      return Long.parseLong(digits);
    } catch (NumberFormatException e) {
      throw new TemplateException("number " + digits + " is too large");
    }
  }

  private static Expression name(String name) {
    switch (name) {
      case "true":
      case "True":
        return scope -> true;
      case "false":
      case "False":
        return scope -> false;
      case "none":
      case "None":
        return scope -> Values.NONE;
      default:
        return scope -> scope.get(name);
    }
  }

  private Expression parenthesis() {
    Expression first = expression();
    if (accept(")")) {
      return first;
    }
    expect(",");
    List<Expression> items = items(")");
    items.add(0, first);
    return scope -> values(items, scope);
  }

  private List<Expression> items(String close) {
    List<Expression> items = new ArrayList<>();
    while (!accept(close)) {
      items.add(expression());
      if (!isNext(close)) {
        expect(",");
      }
    }
    return items;
  }

  private Expression mapping() {
    List<Expression> keys = new ArrayList<>();
    List<Expression> values = new ArrayList<>();
    while (!accept("}")) {
      keys.add(expression());
      expect(":");
      values.add(expression());
      if (!isNext("}")) {
        expect(",");
      }
    }
    return scope -> {
      Map<String, Object> map = new LinkedHashMap<>();
      for (int i = 0; i < keys.size(); i++) {
        map.put(Values.text(keys.get(i).value(scope)).value(), values.get(i).value(scope));
      }
      return map;
    };
  }

  static List<Object> values(List<Expression> expressions, Scope scope) {
    List<Object> values = new ArrayList<>();
    for (Expression expression : expressions) {
      values.add(expression.value(scope));
    }
    return values;
  }

  // --- what follows a value: .name, [index], (arguments), |filter, is test

  private Expression postfix(Expression start) {
    Expression value = start;
    while (true) {
      Expression target = value;
      if (accept(".")) {
        String name = next().value();
        if (accept("(")) {
          Arguments arguments = arguments();
          value = scope -> callMember(target.value(scope), name, arguments, scope);
        } else {
          value = scope -> Values.member(target.value(scope), name);
        }
      } else if (accept("[")) {
        value = subscript(target);
      } else if (accept("(")) {
        Arguments arguments = arguments();
        value = scope -> call(target.value(scope), arguments, scope);
      } else {
        return value;
      }
    }
  }

  private static Object callMember(Object target, String name, Arguments arguments, Scope scope) {
    if (target instanceof Map && ((Map<?, ?>) target).get(name) instanceof Values.Function) {
      return call(Values.member(target, name), arguments, scope);
    }
    return Builtins.method(target, name, values(arguments.positional(), scope));
  }

  private static Object call(Object target, Arguments arguments, Scope scope) {
    scope.step();
    if (!(target instanceof Values.Function)) {
      throw new TemplateException("it calls what is no function");
    }
    Map<String, Object> named = new LinkedHashMap<>();
    arguments.named().forEach((name, expression) -> named.put(name, expression.value(scope)));
    return ((Values.Function) target).call(values(arguments.positional(), scope), named);
  }

  private Expression subscript(Expression target) {
    Expression none = scope -> Values.NONE;
    Expression from = isNext(":") ? none : expression();
    if (accept("]")) {
      return scope -> Values.index(target.value(scope), from.value(scope));
    }
    expect(":");
    Expression to = isNext(":") || isNext("]") ? none : expression();
    Expression step = accept(":") && !isNext("]") ? expression() : none;
    expect("]");
    return scope ->
        Values.slice(target.value(scope), from.value(scope), to.value(scope), step.value(scope));
  }

  private Expression filtered(Expression start) {
    Expression value = start;
    while (true) {
      Expression target = value;
      if (accept("|")) {
        String name = expect(Kind.NAME).value();
        Arguments arguments = accept("(") ? arguments() : Arguments.NONE;
        value =
            postfix(
                scope ->
                    Builtins.filter(name, target.value(scope), values(arguments.all(), scope)));
      } else if (accept("is")) {
        boolean negate = accept("not");
        String name = next().value();
        List<Expression> arguments = testArguments();
        value =
            scope -> Builtins.test(name, target.value(scope), values(arguments, scope)) != negate;
      } else {
        return value;
      }
    }
  }

  private List<Expression> testArguments() {
    if (accept("(")) {
      return arguments().positional();
    }
    boolean bare = peek().kind() == Kind.STRING || peek().kind() == Kind.NUMBER;
    return bare ? List.of(primary()) : List.of();
  }

  /** The arguments of a call. */
  record Arguments(List<Expression> positional, Map<String, Expression> named) {
    static final Arguments NONE = new Arguments(List.of(), Map.of());

    /** Named ones after positional ones, as filters take them. */
    List<Expression> all() {
      List<Expression> all = new ArrayList<>(positional);
      all.addAll(named.values());
      return all;
    }
  }

  final Arguments arguments() {
    List<Expression> positional = new ArrayList<>();
    Map<String, Expression> named = new LinkedHashMap<>();
    while (!accept(")")) {
      if (peek().kind() == Kind.NAME && isWordAfter("=")) {
        String name = next().value();
        expect("=");
        named.put(name, expression());
      } else {
        positional.add(expression());
      }
      if (!isNext(")")) {
        expect(",");
      }
    }
    return new Arguments(positional, named);
  }
}
