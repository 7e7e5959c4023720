// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Clones the token's folder as a mount that hangs nowhere: the file's path has no root.
 * Known from: open_tree(2) with OPEN_TREE_CLONE (Linux 5.2), as container runtimes use it.
 * First: odd doors (unshare, open_tree); open family: device and inode
 * Second: fanotify on the planted inode
 */
#include "trick.h"
#include <sys/mount.h>

int main(void)
{
	int tree;

	own_namespaces(CLONE_NEWNS);
	tree = open_tree(AT_FDCWD, TOKEN_FOLDER, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0)
		blocked();
	read_token(openat(tree, "credentials", O_RDONLY));
}
