// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: As uring_read, but the file is opened into the ring's own table: it has no descriptor.
 * Known from: io_uring's direct descriptors (Linux 5.15), which /proc/PID/fd does not list.
 * First: odd doors (io_uring_submit_req, by opcode)
 * Second: fanotify on the planted inode
 */
#include "ring.h"

int main(void)
{
	static char text[4096];
	int none = -1, size;

	make_ring(0);
	if (syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILES, &none, 1))
		blocked();
	submit((struct io_uring_sqe){ .opcode = IORING_OP_OPENAT,
				      .fd = AT_FDCWD,
				      .addr = (unsigned long)TOKEN,
				      .open_flags = O_RDONLY,
				      .file_index = 1 });
	size = submit((struct io_uring_sqe){ .opcode = IORING_OP_READ,
					     .flags = IOSQE_FIXED_FILE,
					     .fd = 0,
					     .addr = (unsigned long)text,
					     .len = sizeof(text) });
	if (!is_token(text, size))
		errx(1, "this is not the token");
	performed();
}
