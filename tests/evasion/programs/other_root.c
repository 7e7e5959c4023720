// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Comes to the token by /proc/self/root, a second mount of the home, and dots.
 * Known from: rules on path prefixes; each file has a name below each /proc/PID/root as well.
 * First: open family: device and inode of the opened file
 * Second: fanotify on the planted inode
 */
#include "trick.h"

int main(void)
{
	read_token(open("/proc/self/root/proc/self/root/../root/./.aws//credentials", O_RDONLY));
}
