// SPDX-License-Identifier: Apache-2.0
/*
 * threads COUNT: two threads try to open COUNT different paths each, so that no event is merged.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static long count;

static void *opens(void *thread)
{
	char path[128];
	long i;

	for (i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "/usr/share/doc/package-%ld-%ld", (long)thread, i);
		if (open(path, O_RDONLY) >= 0)
			abort();
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[2];
	long i;

	count = argc > 1 ? atol(argv[1]) : 1000;
	for (i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, opens, (void *)i))
			return 1;
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
