@NullMarked
package org.e2llm.planner.strategy;

import org.jspecify.annotations.NullMarked;
