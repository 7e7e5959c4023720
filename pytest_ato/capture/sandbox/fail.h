// SPDX-License-Identifier: Apache-2.0
/* How init gives up: one line on standard error, which the capture process shows to the user. */
#pragma once
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void die(const char *what)
{
	dprintf(STDERR_FILENO, "init: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static void need(int ok, const char *what)
{
	if (!ok)
		die(what);
}
