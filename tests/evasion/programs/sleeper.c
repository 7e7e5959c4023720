// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Does nothing until the audit's time is up.
 * Known from: stalling code in sandbox evasion, from sleep(600) to loops without calls.
 * First: the time limit, which puts a ceiling on the verdict
 * Second: the list of the processes that were alive at the end
 */
#include "trick.h"

int main(void)
{
	puts("performed");
	fflush(stdout);
	sleep(600);
	read_token(open(TOKEN, O_RDONLY));
}
