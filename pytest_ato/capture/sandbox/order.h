// SPDX-License-Identifier: Apache-2.0
/*
 * What init is to start: the layout of the memfd that order.py writes, and its reader. Its writer is
 * trusted; a string that does not end is a defect, and stops init.
 */
#pragma once
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "fail.h"

struct limit {
	uint32_t resource;
	uint32_t pad;
	uint64_t soft;
	uint64_t hard;
};

/* Followed by `limits` of struct limit, then NUL-terminated strings: program, directory, argv, envp. */
struct order {
	uint32_t uid;
	uint32_t gid;
	uint32_t limits;
	uint32_t argc;
	uint32_t envc;
	uint32_t capabilities; /* bits of the first word, kept by a target that is root */
};

struct target {
	const struct order *order;
	const struct limit *limits;
	char *program;
	char *directory;
	char **argv;
	char **envp;
};

static char *next_string(char **cursor, char *end)
{
	char *string = *cursor;
	size_t length = strnlen(string, end - string);

	errno = EINVAL;
	need(string + length < end, "order");
	*cursor = string + length + 1;
	return string;
}

static char **next_strings(char **cursor, char *end, uint32_t count)
{
	char **strings = calloc((size_t)count + 1, sizeof(*strings));

	need(strings != NULL, "order");
	for (uint32_t i = 0; i < count; i++)
		strings[i] = next_string(cursor, end);
	return strings;
}

static struct target read_order(int fd)
{
	struct target target;
	struct stat status;
	char *start, *cursor, *end;

	need(fstat(fd, &status) == 0, "order");
	start = mmap(NULL, status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	need(start != MAP_FAILED, "order");
	close(fd);
	end = start + status.st_size;
	target.order = (const struct order *)start;
	target.limits = (const struct limit *)(target.order + 1);
	cursor = (char *)(target.limits + target.order->limits);
	target.program = next_string(&cursor, end);
	target.directory = next_string(&cursor, end);
	target.argv = next_strings(&cursor, end, target.order->argc);
	target.envp = next_strings(&cursor, end, target.order->envc);
	return target;
}
