// SPDX-License-Identifier: Apache-2.0
/* stage2: what bad-sample drops, runs and deletes. It says that it ran, and does no more. */
#include <stdio.h>

int main(void)
{
	puts("second stage: running");
	return 0;
}
