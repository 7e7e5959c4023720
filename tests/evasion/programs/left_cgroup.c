// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Mounts the control groups in namespaces of its own, to leave the one that is watched.
 * Known from: container escapes by release_agent, which begin with such a mount.
 * First: odd doors (unshare, mount); open family, also when refused
 * Second: membership itself: children of a group are in its scope as well
 */
#include "trick.h"
#include <sys/mount.h>

int main(void)
{
	own_namespaces(CLONE_NEWNS | CLONE_NEWCGROUP);
	mkdir("/tmp/groups", 0700);
	if (mount("none", "/tmp/groups", "cgroup2", 0, NULL) || mkdir("/tmp/groups/own", 0700))
		blocked();
	write_file("/tmp/groups/own/cgroup.procs", "0");
	read_token(open(TOKEN, O_RDONLY));
}
