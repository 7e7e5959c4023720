// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Reads the token by openat2(2), whose flags lie in a structure and not in a register.
 * Known from: sensors that are older than the call (Linux 5.6).
 * First: open family at entry and exit
 * Second: fanotify on the planted inode
 */
#include "trick.h"
#include <linux/openat2.h>

int main(void)
{
	struct open_how how = { .flags = O_RDONLY, .resolve = RESOLVE_NO_SYMLINKS };

	read_token(syscall(SYS_openat2, AT_FDCWD, TOKEN, &how, sizeof(how)));
}
