/** Tests of the samples, and of the rules that hold between the modules: here all are in sight. */
package org.e2llm.samples;
