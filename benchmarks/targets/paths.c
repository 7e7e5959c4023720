// SPDX-License-Identifier: Apache-2.0
/*
 * paths COUNT: try to open COUNT different paths. No two events are identical, so none is merged.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	long count = argc > 1 ? atol(argv[1]) : 1000;
	char path[128];
	long i;

	for (i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "/usr/share/doc/package-%ld/copyright", i);
		close(open(path, O_RDONLY));
	}
	return 0;
}
