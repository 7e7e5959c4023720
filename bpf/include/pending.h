/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a task's system call was given, kept from its entry to its exit. */
#ifndef ATO_PENDING_H
#define ATO_PENDING_H

#include "maps.h"
#include <asm/unistd.h>

#define NO_CALL ~0U /* number of no call: the last one has been told */
#define ENTRY_PATH 256 /* bytes of a path that are read at entry */

enum call_class {
	CALL_NONE,
	CALL_EXEC,
	CALL_OPEN,
	CALL_PATH, /* one path, or two */
	CALL_FCHMOD,
	CALL_MAP,
	CALL_MEMFD,
	CALL_ADDR, /* connect, bind */
	CALL_SENDTO,
	CALL_SENDMSG,
	CALL_SENDMMSG,
	CALL_DOOR,
	CALL_IO, /* reads and writes: of interest within a TLS library's function only */
};

struct pending {
	__u64 ptr; /* of the path, address or message */
	__u64 ptr2; /* of the second path */
	__u64 value;
	__u32 class;
	__u32 nr;
	__s32 dfd;
	__s32 dfd2;
	__u32 arg;
	__u16 len; /* bytes of path with its NUL; 0: could not be read */
	__u16 len2; /* the same of path2; bytes of an address */
	__u32 compat; /* this thread's 32-bit calls have been told */
	__u32 pad;
	char path[ENTRY_PATH]; /* or an address */
	char path2[ENTRY_PATH];
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct pending);
} pending SEC(".maps");

/* The classes of all calls; most numbers have none and cost one load. */
#define CALLS 512
static const __u8 class_of[CALLS] = {
	[__NR_execve] = CALL_EXEC,
	[__NR_execveat] = CALL_EXEC,
	[__NR_openat] = CALL_OPEN,
	[__NR_openat2] = CALL_OPEN,
	[__NR_renameat2] = CALL_PATH,
	[__NR_linkat] = CALL_PATH,
	[__NR_symlinkat] = CALL_PATH,
	[__NR_unlinkat] = CALL_PATH,
	[__NR_truncate] = CALL_PATH,
	[__NR_fchmodat] = CALL_PATH,
	[452] = CALL_PATH, /* fchmodat2 (6.6), younger than some headers */
	[__NR_fchmod] = CALL_FCHMOD,
	[__NR_mmap] = CALL_MAP,
	[__NR_mprotect] = CALL_MAP,
	[__NR_memfd_create] = CALL_MEMFD,
	[__NR_connect] = CALL_ADDR,
	[__NR_bind] = CALL_ADDR,
	[__NR_sendto] = CALL_SENDTO,
	[__NR_sendmsg] = CALL_SENDMSG,
	[__NR_sendmmsg] = CALL_SENDMMSG,
	[__NR_read] = CALL_IO,
	[__NR_readv] = CALL_IO,
	[__NR_write] = CALL_IO,
	[__NR_writev] = CALL_IO,
	[__NR_recvfrom] = CALL_IO,
	[__NR_recvmsg] = CALL_IO,
	[__NR_ptrace] = CALL_DOOR,
	[__NR_process_vm_readv] = CALL_DOOR,
	[__NR_process_vm_writev] = CALL_DOOR,
	[__NR_pidfd_open] = CALL_DOOR,
	[__NR_pidfd_getfd] = CALL_DOOR,
	[__NR_kcmp] = CALL_DOOR,
	[__NR_bpf] = CALL_DOOR,
	[__NR_perf_event_open] = CALL_DOOR,
	[__NR_userfaultfd] = CALL_DOOR,
	[__NR_setns] = CALL_DOOR,
	[__NR_unshare] = CALL_DOOR,
	[__NR_clone] = CALL_DOOR,
	[__NR_clone3] = CALL_DOOR,
	[__NR_mount] = CALL_DOOR,
	[__NR_umount2] = CALL_DOOR,
	[__NR_move_mount] = CALL_DOOR,
	[__NR_open_tree] = CALL_DOOR,
	[__NR_fsopen] = CALL_DOOR,
	[__NR_pivot_root] = CALL_DOOR,
	[__NR_name_to_handle_at] = CALL_DOOR,
	[__NR_open_by_handle_at] = CALL_DOOR,
	[__NR_sendfile] = CALL_DOOR,
	[__NR_splice] = CALL_DOOR,
	[__NR_copy_file_range] = CALL_DOOR,
	[__NR_socket] = CALL_DOOR,
	[__NR_init_module] = CALL_DOOR,
	[__NR_finit_module] = CALL_DOOR,
	[__NR_delete_module] = CALL_DOOR,
	[__NR_kexec_load] = CALL_DOOR,
	[__NR_kexec_file_load] = CALL_DOOR,
	[__NR_keyctl] = CALL_DOOR,
	[__NR_io_uring_setup] = CALL_DOOR,
#ifdef __NR_renameat
	[__NR_renameat] = CALL_PATH,
#endif
#ifdef __NR_open /* x86's older calls */
	[__NR_open] = CALL_OPEN,
	[__NR_creat] = CALL_OPEN,
	[__NR_rename] = CALL_PATH,
	[__NR_link] = CALL_PATH,
	[__NR_symlink] = CALL_PATH,
	[__NR_unlink] = CALL_PATH,
	[__NR_rmdir] = CALL_PATH,
	[__NR_chmod] = CALL_PATH,
#endif
};

#endif
