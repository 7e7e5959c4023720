// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Lays an overlay file system over the token's folder: the file gets another identity.
 * Known from: overlayfs in user namespaces (Linux 5.11), as rootless containers use it.
 * First: odd doors (unshare, mount); open family, which sees the overlay's file alone
 * Second: fanotify on the planted inode, as overlayfs opens the real file beneath
 */
#include "trick.h"
#include <sys/mount.h>

int main(void)
{
	own_namespaces(CLONE_NEWNS);
	mkdir("/tmp/upper", 0700);
	mkdir("/tmp/work", 0700);
	mkdir("/tmp/merged", 0700);
	if (mount("overlay", "/tmp/merged", "overlay", 0,
		  "userxattr,lowerdir=" TOKEN_FOLDER ",upperdir=/tmp/upper,workdir=/tmp/work"))
		blocked();
	read_token(open("/tmp/merged/credentials", O_RDONLY));
}
