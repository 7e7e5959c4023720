// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Makes a child that is not its child: with CLONE_PARENT it becomes its sibling.
 * Known from: clone3(2), against trackers that build the tree from parent ids.
 * First: open family, scoped by cgroup; fork, told by who called
 * Second: fanotify on the planted inode
 */
#include "trick.h"
#include <linux/sched.h>

int main(void)
{
	struct clone_args how = { .flags = CLONE_PARENT };
	long child = syscall(SYS_clone3, &how, sizeof(how));

	if (child < 0)
		blocked();
	if (child)
		_exit(0);
	read_token(open(TOKEN, O_RDONLY));
}
