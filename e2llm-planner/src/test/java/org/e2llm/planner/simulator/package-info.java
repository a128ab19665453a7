@NullMarked
package org.e2llm.planner.simulator;

import org.jspecify.annotations.NullMarked;
