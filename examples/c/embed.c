// SPDX-License-Identifier: Apache-2.0
/* embed: turn the program on standard input into a scrambled C array on standard output. */
#include <stdio.h>

#define SCRAMBLE 0x5a

int main(void)
{
	int byte;

	printf("#define SCRAMBLE %#x\nstatic const unsigned char stage2[] = {\n", SCRAMBLE);
	while ((byte = getchar()) != EOF)
		printf("%d,\n", byte ^ SCRAMBLE);
	printf("};\n");
	return ferror(stdin) || fflush(stdout);
}
