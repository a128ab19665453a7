/** Tests of the assembler, and of how machine code is put in front of other kernels. */
package org.e2llm.kernels.machine;
