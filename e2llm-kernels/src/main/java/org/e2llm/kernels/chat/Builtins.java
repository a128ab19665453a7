package org.e2llm.kernels.chat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The filters, tests and methods that chat templates use, named as in Jinja and Python. */
final class Builtins {
  private Builtins() {}

  static Object filter(String name, Object value, List<Object> arguments) {
    switch (name) {
      case "trim":
        return Values.text(value).strip(string(arguments, 0, ""), true, true);
      case "length":
      case "count":
        return (long) (value instanceof Text ? ((Text) value).length() : Values.list(value).size());
      case "upper":
      case "lower":
      case "title":
      case "capitalize":
      case "replace":
        return method(Values.text(value), name, arguments);
      case "first":
        return Values.index(value, 0L);
      case "last":
        return Values.index(value, -1L);
      case "list":
        return Values.list(value);
      case "items":
        return method(value, "items", arguments);
      case "string":
        return Values.text(value);
      case "safe":
        return value;
      case "int":
        return value instanceof Text ? integer((Text) value) : Values.number(value);
      case "default":
      case "d":
        boolean absent =
            value == Values.UNDEFINED
                || (arguments.size() > 1
                    && Values.truthy(arguments.get(1))
                    && !Values.truthy(value));
        return absent ? argument(arguments, 0) : value;
      case "join":
        return join(
            Values.list(value), arguments.isEmpty() ? Text.EMPTY : Values.text(arguments.get(0)));
      case "reverse":
        return Values.slice(value, Values.NONE, Values.NONE, -1L);
      case "map":
        return select(value, false, arguments, true);
      case "selectattr":
        return select(value, true, arguments, false);
      case "rejectattr":
        return select(value, false, arguments, false);
      default:
        throw new TemplateException("filter '" + name + "' is not known");
    }
  }

  /** {@code selectattr}, {@code rejectattr}, and {@code map(attribute=…)}. */
  private static Object select(Object value, boolean keep, List<Object> arguments, boolean map) {
    String attribute = string(arguments, 0, "");
    List<Object> out = new ArrayList<>();
    for (Object item : Values.list(value)) {
      Object found = Values.member(item, attribute);
      if (map) {
        out.add(found);
      } else {
        boolean passes =
            arguments.size() < 2
                ? Values.truthy(found)
                : test(string(arguments, 1, ""), found, arguments.subList(2, arguments.size()));
        if (passes == keep) {
          out.add(item);
        }
      }
    }
    return out;
  }

  private static long integer(Text text) {
    try {
      return Long.parseLong(text.value().trim());
    } catch (NumberFormatException e) {
      return 0;
    }
  }

  private static Text join(List<Object> items, Text separator) {
    Text joined = Text.EMPTY;
    for (int i = 0; i < items.size(); i++) {
      joined = (i == 0 ? joined : joined.plus(separator)).plus(Values.text(items.get(i)));
    }
    return joined;
  }

  static boolean test(String name, Object value, List<Object> arguments) {
    switch (name) {
      case "defined":
        return value != Values.UNDEFINED;
      case "undefined":
        return value == Values.UNDEFINED;
      case "none":
        return value == Values.NONE;
      case "string":
        return value instanceof Text;
      case "number":
      case "integer":
        return value instanceof Long;
      case "boolean":
        return value instanceof Boolean;
      case "mapping":
        return value instanceof Map;
      case "sequence":
      case "iterable":
        return value instanceof Text || value instanceof List || value instanceof Map;
      case "true":
        return Boolean.TRUE.equals(value);
      case "false":
        return Boolean.FALSE.equals(value);
      case "odd":
        return Math.floorMod(Values.number(value), 2L) == 1;
      case "even":
        return Math.floorMod(Values.number(value), 2L) == 0;
      case "equalto":
      case "eq":
      case "==":
        return Values.equal(value, argument(arguments, 0));
      case "ne":
        return !Values.equal(value, argument(arguments, 0));
      case "in":
        return Values.contains(argument(arguments, 0), value);
      default:
        throw new TemplateException("test '" + name + "' is not known");
    }
  }

  @SuppressWarnings("unchecked")
  static Object method(Object target, String name, List<Object> arguments) {
    if (target instanceof Text) {
      return textMethod((Text) target, name, arguments);
    }
    if (target instanceof Map) {
      Map<String, Object> map = (Map<String, Object>) target;
      switch (name) {
        case "get":
          Object fallback = arguments.size() > 1 ? arguments.get(1) : Values.NONE;
          Object found = map.get(string(arguments, 0, ""));
          return found == null ? fallback : found;
        case "keys":
          return Values.list(map);
        case "values":
          return new ArrayList<>(map.values());
        case "items":
          List<Object> items = new ArrayList<>();
          for (Map.Entry<String, Object> entry : map.entrySet()) {
            items.add(List.of(Text.ofTemplate(entry.getKey()), entry.getValue()));
          }
          return items;
        default:
          break;
      }
    }
    if (target instanceof List && name.equals("append")) {
      ((List<Object>) target).add(argument(arguments, 0));
      return Values.NONE;
    }
    throw new TemplateException("method '" + name + "' is not known here");
  }

  private static Object textMethod(Text text, String name, List<Object> arguments) {
    switch (name) {
      case "strip":
        return text.strip(string(arguments, 0, ""), true, true);
      case "lstrip":
        return text.strip(string(arguments, 0, ""), true, false);
      case "rstrip":
        return text.strip(string(arguments, 0, ""), false, true);
      case "startswith":
        return text.value().startsWith(string(arguments, 0, ""));
      case "endswith":
        return text.value().endsWith(string(arguments, 0, ""));
      case "split":
        if (string(arguments, 0, "").isEmpty()) {
          throw new TemplateException("split without a separator is not known");
        }
        return new ArrayList<Object>(text.split(string(arguments, 0, "")));
      case "replace":
        return text.replace(string(arguments, 0, ""), Values.text(argument(arguments, 1)));
      case "upper":
        return recase(text, text.value().toUpperCase(Locale.ROOT));
      case "lower":
        return recase(text, text.value().toLowerCase(Locale.ROOT));
      case "title":
      case "capitalize":
        String lower = text.value().toLowerCase(Locale.ROOT);
        return lower.isEmpty()
            ? text
            : recase(text, lower.substring(0, 1).toUpperCase(Locale.ROOT) + lower.substring(1));
      default:
        throw new TemplateException("method '" + name + "' of a string is not known");
    }
  }

  private static Text recase(Text text, String value) {
    return value.length() == text.length() ? new Text(value, text.origin()) : Text.ofMessage(value);
  }

  /** {@code namespace(a=1)}: the one value that a loop can change for what follows it. */
  static Object namespace(List<Object> arguments, Map<String, Object> named) {
    return new LinkedHashMap<>(named);
  }

  static Object range(List<Object> arguments, Map<String, Object> named) {
    long from = arguments.size() > 1 ? Values.number(arguments.get(0)) : 0;
    long to = Values.number(argument(arguments, arguments.size() > 1 ? 1 : 0));
    long step = arguments.size() > 2 ? Values.number(arguments.get(2)) : 1;
    if (step == 0 || (to - from) / step > 100_000) {
      throw new TemplateException("range(" + from + ", " + to + ", " + step + ") is too long");
    }
    List<Object> range = new ArrayList<>();
    for (long i = from; step > 0 ? i < to : i > to; i += step) {
      range.add(i);
    }
    return range;
  }

  private static Object argument(List<Object> arguments, int i) {
    if (i >= arguments.size()) {
      throw new TemplateException("an argument is missing");
    }
    return arguments.get(i);
  }

  private static String string(List<Object> arguments, int i, String absent) {
    return i < arguments.size() ? Values.text(arguments.get(i)).value() : absent;
  }
}
