@NullMarked
package org.e2llm.planner.workload;

import org.jspecify.annotations.NullMarked;
