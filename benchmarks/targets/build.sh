#!/bin/sh
# build.sh DIRECTORY: write 20 C files into it, compile and link them one after the other, and print
# the seconds that compiling and linking took.
set -eu
cd "$1"
for number in $(seq 20); do
	cat >"unit$number.c" <<-EOF
		#include <errno.h>
		#include <fcntl.h>
		#include <pthread.h>
		#include <stdio.h>
		#include <stdlib.h>
		#include <string.h>
		#include <sys/socket.h>
		#include <unistd.h>
		static int order(const void *one, const void *other)
		{
			return strcmp(*(char *const *)one, *(char *const *)other);
		}
		int unit$number(char **words, size_t count)
		{
			qsort(words, count, sizeof(*words), order);
			for (size_t i = 0; i < count; i++)
				if (printf("%zu %s\n", i, words[i]) < 0)
					return errno;
			return 0;
		}
	EOF
done
printf 'int main(void) { return 0; }\n' >main.c
began=$(date +%s%N)
for number in $(seq 20); do
	cc -O2 -c "unit$number.c"
done
cc -o program main.c unit*.o
ended=$(date +%s%N)
rm -f program main.c unit*
echo "$((ended - began))e-9"
