// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: The page with the path is not in memory when the call starts: a probe can't read it.
 * Known from: the fault that bpf_probe_read_user meets and the kernel does not (Phantom Attack).
 * First: open family: the path again at exit, and the kernel's own file
 * Second: fanotify on the planted inode
 */
#include "trick.h"
#include <sys/mman.h>

int main(void)
{
	int fd = open("/tmp/page", O_RDWR | O_CREAT, 0600);
	const char *path;

	if (write(fd, TOKEN, sizeof(TOKEN)) != sizeof(TOKEN))
		err(1, "write");
	path = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0); /* nothing touches it before open */
	read_token(open(path, O_RDONLY));
}
