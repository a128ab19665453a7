package org.e2llm.transport.stage;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.Collection;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.atomic.AtomicLong;

/**
 * All fields of an object of ours and of what it refers to, as text, for who looks for what a
 * session waits for. Reads without locks: things may change meanwhile.
 */
final class Everything {
  private static final int DEEPEST = 16;
  private static final int MOST_ELEMENTS = 40;

  private final StringBuilder text = new StringBuilder();
  private final Map<Object, Integer> seen = new IdentityHashMap<>();

  private Everything() {}

  static String of(Object root) {
    Everything all = new Everything();
    try {
      all.add(root, 0);
    } catch (ReflectiveOperationException | RuntimeException e) {
      all.text.append(e);
    }
    return all.text.toString();
  }

  private void add(Object value, int depth) throws ReflectiveOperationException {
    if (value == null || depth > DEEPEST) {
      text.append(value == null ? "null" : "...");
    } else if (value instanceof Map<?, ?> map) {
      text.append(map.size()).append(" {");
      int shown = 0;
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        if (shown++ < MOST_ELEMENTS) {
          line(depth);
          add(entry.getKey(), depth + 1);
          text.append(" -> ");
          add(entry.getValue(), depth + 1);
        }
      }
      text.append('}');
    } else if (value instanceof Collection<?> elements) {
      text.append(elements.size()).append(" [");
      int shown = 0;
      for (Object element : elements) {
        if (shown++ < MOST_ELEMENTS) {
          line(depth);
          add(element, depth + 1);
        }
      }
      text.append(']');
    } else if (isOurs(value.getClass())) {
      fields(value, depth);
    } else {
      text.append(plain(value));
    }
  }

  private void fields(Object value, int depth) throws ReflectiveOperationException {
    Class<?> type = value.getClass();
    text.append(type.getSimpleName());
    Integer number = seen.putIfAbsent(value, seen.size());
    if (number != null) {
      text.append('#').append(number);
      return;
    }
    text.append('#').append(seen.size() - 1).append(" (");
    for (; type != Object.class; type = type.getSuperclass()) {
      for (Field field : type.getDeclaredFields()) {
        if (!Modifier.isStatic(field.getModifiers()) && !field.isSynthetic()) {
          field.setAccessible(true);
          line(depth);
          text.append(field.getName()).append(": ");
          add(field.get(value), depth + 1);
        }
      }
    }
    text.append(')');
  }

  private static boolean isOurs(Class<?> type) {
    return type.getName().startsWith("org.e2llm.")
        && !type.isEnum()
        && !type.isHidden()
        && !Throwable.class.isAssignableFrom(type)
        && !type.getName().startsWith("org.e2llm.text.")
        && !type.getName().startsWith("org.e2llm.testing.");
  }

  private static String plain(Object value) {
    if (value instanceof ThreadPoolExecutor pool) {
      return pool.getActiveCount() + " active, " + pool.getQueue().size() + " queued";
    }
    boolean speaks =
        value instanceof Number
            || value instanceof CharSequence
            || value instanceof Boolean
            || value instanceof Enum
            || value instanceof Throwable
            || value instanceof Future
            || value instanceof AtomicLong;
    String said = speaks ? value.toString() : value.getClass().getSimpleName();
    return said.length() > 200 ? said.substring(0, 200) + "..." : said;
  }

  private void line(int depth) {
    text.append('\n').append("  ".repeat(depth + 1));
  }
}
