/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one thing that namespaces do not hold: socket families that know no network namespace. A
 * virtual machine's vsock leads to its hypervisor, whatever routes there are. They are refused as a
 * kernel without them would refuse them.
 */
#ifndef FILTER_H
#define FILTER_H

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>

#define X32_BIT 0x40000000
#define I386_SOCKETCALL 102
#define I386_SOCKET 359
#define SOCKETCALL_SOCKET 1 /* its first argument: make a socket, with a family that we can't see */

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IF(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, yes, no)
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, value)
#define REFUSE(error) RETURN(SECCOMP_RET_ERRNO | (error))

static int refuse_sockets(void)
{
	struct sock_filter program[] = {
		/* 0 */ LOAD(arch),
		/* 1 */ IF(AUDIT_ARCH_I386, 5, 0),
		/* 2 */ LOAD(nr),
		/* 3 */ BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ~X32_BIT),
		/* 4 */ IF(SYS_socket, 6, 0),
		/* 5 */ IF(SYS_socketpair, 5, 0),
		/* 6 */ RETURN(SECCOMP_RET_ALLOW),
		/* 7 */ LOAD(nr),
		/* 8 */ IF(I386_SOCKET, 2, 0),
		/* 9 */ IF(I386_SOCKETCALL, 9, 0),
		/* 10 */ RETURN(SECCOMP_RET_ALLOW),
		/* 11 */ LOAD(args[0]), /* the family */
		/* 12 */ IF(AF_VSOCK, 9, 0),
		/* 13 */ IF(AF_BLUETOOTH, 8, 0),
		/* 14 */ IF(AF_QIPCRTR, 7, 0),
		/* 15 */ IF(AF_RDS, 6, 0),
		/* 16 */ IF(AF_IB, 5, 0),
		/* 17 */ IF(AF_NFC, 4, 0),
		/* 18 */ RETURN(SECCOMP_RET_ALLOW),
		/* 19 */ LOAD(args[0]), /* which socket call */
		/* 20 */ IF(SOCKETCALL_SOCKET, 1, 0),
		/* 21 */ RETURN(SECCOMP_RET_ALLOW),
		/* 22 */ REFUSE(EAFNOSUPPORT),
	};
	struct sock_fprog all = { sizeof(program) / sizeof(program[0]), program };

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &all);
}

#endif
