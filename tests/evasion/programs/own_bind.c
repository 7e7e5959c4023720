// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: In a user namespace of its own, binds the token over a harmless path and opens that.
 * Known from: unprivileged user namespaces, as the first step of most recent kernel exploits.
 * First: odd doors (unshare, mount); open family: device and inode
 * Second: fanotify on the planted inode
 */
#include "trick.h"
#include <sys/mount.h>

int main(void)
{
	own_namespaces(CLONE_NEWNS);
	if (mount(TOKEN, HARMLESS, NULL, MS_BIND, NULL))
		blocked();
	read_token(open(HARMLESS, O_RDONLY));
}
