// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Opens the token by a path of 4,095 bytes, nearly all of it "/.".
 * Known from: probes with a buffer of 256 bytes: what matters comes after its end.
 * First: open family: the kernel's own file at exit
 * Second: fanotify on the planted inode
 */
#include "trick.h"

int main(void)
{
	static char path[4096] = "/home/user/.aws";
	size_t end = strlen(path);

	while (end + 2 + sizeof("/credentials") <= sizeof(path)) {
		memcpy(path + end, "/.", 2);
		end += 2;
	}
	memcpy(path + end, "/credentials", sizeof("/credentials"));
	read_token(open(path, O_RDONLY));
}
