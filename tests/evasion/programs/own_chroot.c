// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Makes the token's folder its root directory and opens "/credentials".
 * Known from: chroot(2) in a user namespace, against rules that match absolute paths.
 * First: odd doors (unshare); open family: device and inode
 * Second: fanotify on the planted inode
 */
#include "trick.h"

int main(void)
{
	own_namespaces(0);
	if (chroot(TOKEN_FOLDER))
		blocked();
	read_token(open("/credentials", O_RDONLY));
}
