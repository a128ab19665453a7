package org.e2llm.kernels.chat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/**
 * What the values of a template are and how operators treat them: {@link Text}, {@link Long},
 * {@link Boolean}, {@link List}, {@link Map}, {@link Function}, none and undefined.
 */
final class Values {
  /** A name or attribute that does not exist; false, and prints as nothing. */
  static final Object UNDEFINED =
      new Object() {
        @Override
        public String toString() {
          return "";
        }
      };

  /** Python's None. */
  static final Object NONE =
      new Object() {
        @Override
        public String toString() {
          return "None";
        }
      };

  /** Something a template can call. */
  interface Function {
    Object call(List<Object> arguments, Map<String, Object> named);
  }

  private Values() {}

  static boolean truthy(Object value) {
    if (value instanceof Boolean) {
      return (Boolean) value;
    }
    if (value instanceof Text) {
      return ((Text) value).length() > 0;
    }
    if (value instanceof Long) {
      return (Long) value != 0;
    }
    if (value instanceof List) {
      return !((List<?>) value).isEmpty();
    }
    if (value instanceof Map) {
      return !((Map<?, ?>) value).isEmpty();
    }
    return value != UNDEFINED && value != NONE;
  }

  static Text text(Object value) {
    if (value instanceof Text) {
      return (Text) value;
    }
    if (value instanceof Boolean) {
      return Text.ofTemplate((Boolean) value ? "True" : "False");
    }
    if (value instanceof List || value instanceof Map || value instanceof Function) {
      throw new TemplateException("it prints a list, a mapping or a function");
    }
    return Text.ofTemplate(value.toString());
  }

  static long number(Object value) {
    if (value instanceof Long) {
      return (Long) value;
    }
    throw new TemplateException("a number is needed, found '" + value + "'");
  }

  /** What a {@code for} walks over; the keys of a mapping. */
  @SuppressWarnings("unchecked")
  static List<Object> list(Object value) {
    if (value instanceof List) {
      return (List<Object>) value;
    }
    if (value instanceof Map) {
      List<Object> keys = new ArrayList<>();
      for (Object key : ((Map<String, Object>) value).keySet()) {
        keys.add(Text.ofTemplate((String) key));
      }
      return keys;
    }
    if (value instanceof Text) {
      List<Object> characters = new ArrayList<>();
      Text text = (Text) value;
      for (int i = 0; i < text.length(); i++) {
        characters.add(text.substring(i, i + 1));
      }
      return characters;
    }
    if (value == UNDEFINED) {
      return Collections.emptyList();
    }
    throw new TemplateException("it walks over '" + value + "', which is no list");
  }

  static Object add(Object left, Object right) {
    if (left instanceof Text && right instanceof Text) {
      return ((Text) left).plus((Text) right);
    }
    if (left instanceof List && right instanceof List) {
      List<Object> sum = new ArrayList<>(list(left));
      sum.addAll(list(right));
      return sum;
    }
    return number(left) + number(right);
  }

  static boolean equal(Object left, Object right) {
    return left.equals(right);
  }

  static int compare(Object left, Object right) {
    if (left instanceof Text && right instanceof Text) {
      return ((Text) left).value().compareTo(((Text) right).value());
    }
    return Long.compare(number(left), number(right));
  }

  static boolean contains(Object container, Object item) {
    if (container instanceof Text) {
      return ((Text) container).value().contains(text(item).value());
    }
    if (container instanceof Map) {
      return ((Map<?, ?>) container).containsKey(text(item).value());
    }
    return list(container).contains(item);
  }

  /** {@code value.name} or {@code value[name]} of a mapping; undefined where there is none. */
  static Object member(Object value, String name) {
    if (value == UNDEFINED || value == NONE) {
      throw new TemplateException(
          "it asks " + (value == NONE ? "none" : "an undefined value") + " for '" + name + "'");
    }
    if (value instanceof Map) {
      Object found = ((Map<?, ?>) value).get(name);
      return found == null ? UNDEFINED : found;
    }
    return UNDEFINED;
  }

  static Object index(Object value, Object key) {
    if (key instanceof Text) {
      return member(value, ((Text) key).value());
    }
    List<Object> list = list(value);
    long i = number(key);
    long at = i < 0 ? i + list.size() : i;
    return at >= 0 && at < list.size() ? list.get((int) at) : UNDEFINED;
  }

  /** Python's {@code value[from:to:step]}; none where a bound is left out. */
  static Object slice(Object value, Object from, Object to, Object step) {
    long stride = step == NONE ? 1 : number(step);
    if (stride == 0) {
      throw new TemplateException("a slice has step 0");
    }
    int size = value instanceof Text ? ((Text) value).length() : list(value).size();
    long low = stride > 0 ? 0 : -1;
    long high = stride > 0 ? size : size - 1;
    long start = bound(from, stride > 0 ? low : high, size, low, high);
    long end = bound(to, stride > 0 ? high : low, size, low, high);
    if (value instanceof Text && stride == 1) {
      return ((Text) value).substring((int) start, (int) Math.max(start, end));
    }
    List<Object> items = list(value);
    List<Object> slice = new ArrayList<>();
    for (long i = start; stride > 0 ? i < end : i > end; i += stride) {
      slice.add(items.get((int) i));
    }
    if (value instanceof Text) {
      Text joined = Text.EMPTY;
      for (Object character : slice) {
        joined = joined.plus((Text) character);
      }
      return joined;
    }
    return slice;
  }

  private static long bound(Object given, long absent, int size, long low, long high) {
    if (given == NONE) {
      return absent;
    }
    long at = number(given);
    return Math.max(low, Math.min(high, at < 0 ? at + size : at));
  }
}
