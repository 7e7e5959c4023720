// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Reads the token by open(2), the call that C libraries stopped using.
 * Known from: rules that list openat alone, as most bpftrace one-liners do.
 * First: open family at entry and exit
 * Second: fanotify on the planted inode
 */
#include "trick.h"

int main(void)
{
	read_token(syscall(SYS_open, TOKEN, O_RDONLY));
}
