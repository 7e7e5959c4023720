// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Takes a descriptor that reads nothing (O_PATH), then reopens it by /proc/self/fd.
 * Known from: the reopening idiom of container runtimes, and of the runc escapes they had.
 * First: open family: the kernel's own file at exit
 * Second: fanotify: silent at O_PATH, sees the reopening
 */
#include "trick.h"

int main(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", open(TOKEN, O_PATH | O_NOFOLLOW));
	read_token(open(path, O_RDONLY));
}
