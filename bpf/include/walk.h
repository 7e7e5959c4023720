/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reading the kernel's own names: a descriptor's file, a file's path. */
#ifndef ATO_WALK_H
#define ATO_WALK_H

#include "maps.h"

#define MAX_PATH 4096
#define MAX_COMPONENTS 40
#define MAX_NAME 256
#define ARGS_MAX 8192
#define SCRATCH_MASK 0x3fff /* texts start below this */

/*
 * A record with long texts is put together here, then copied into its ring. `used` lives in the
 * map, not in a register: the verifier then knows nothing of it and has one state to follow, where
 * ranges that differ by branch would make it walk every combination.
 */
struct scratch {
	__u64 used;
	__u64 mnt; /* where a walk is: a struct mount and a struct dentry */
	__u64 dentry;
	char rec[SCRATCH_MASK + 1 + ARGS_MAX + MAX_NAME];
};

/* Where the next text goes; 0 and a flag when there is no room. */
static __always_inline char *scratch_end(struct scratch *s, __u16 *flags)
{
	__u64 used = s->used;

	if (used > SCRATCH_MASK) {
		*flags |= ATO_F_TRUNCATED;
		return NULL;
	}
	return s->rec + (used & SCRATCH_MASK);
}

/* The pid of a task as its own, innermost namespace numbers it. */
static __always_inline __u32 inner_pid(struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	__u32 level = BPF_CORE_READ(pid, level);
	int nr = 0;

	bpf_core_read(&nr, sizeof(nr),
		      (void *)&pid->numbers[0].nr + level * bpf_core_type_size(struct upid));
	return nr;
}

/*
 * The current task's file behind a descriptor, as a number. Global, so that it is verified once a
 * program, not once a path to it.
 */
__noinline __u64 ato_file_of(int fd)
{
	struct fdtable *table = BPF_CORE_READ(bpf_get_current_task_btf(), files, fdt);
	struct file **files = BPF_CORE_READ(table, fd);
	struct file *file = NULL;

	if (fd < 0 || fd >= BPF_CORE_READ(table, max_fds))
		return 0;
	bpf_probe_read_kernel(&file, sizeof(file), files + fd);
	return (unsigned long)file;
}

static __always_inline struct file *file_of(int fd)
{
	return (void *)ato_file_of(fd);
}

static __always_inline struct sock *sock_of(struct file *file)
{
	struct socket *socket;

	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	socket = BPF_CORE_READ(file, private_data);
	return BPF_CORE_READ(socket, sk);
}

static __always_inline bool append_name(struct scratch *s, struct dentry *dentry, __u16 *flags)
{
	char *at = scratch_end(s, flags);
	long n;

	if (!at)
		return false;
	n = bpf_probe_read_kernel_str(at, MAX_NAME, BPF_CORE_READ(dentry, d_name.name));
	if (n > 0)
		s->used += n;
	return true;
}

enum step { STEP_ON, STEP_ROOT, STEP_CUT };

/*
 * One step of a walk towards the root. Global, and with its state in a map, so that it is verified
 * once and not once a component.
 */
__noinline int ato_walk_step(struct scratch *s, __u64 start, __u16 *flags)
{
	struct dentry *dentry, *parent;
	struct mount *mnt, *up;

	if (!s || !flags)
		return STEP_CUT;
	mnt = (void *)s->mnt;
	dentry = (void *)s->dentry;
	parent = BPF_CORE_READ(dentry, d_parent);
	if (dentry == parent || dentry == BPF_CORE_READ(mnt, mnt.mnt_root)) {
		up = BPF_CORE_READ(mnt, mnt_parent);
		if (up == mnt) {
			/* An unattached file (a memfd, a pipe) has its name at its root. */
			if (s->used == start)
				append_name(s, dentry, flags);
			return STEP_ROOT;
		}
		s->dentry = (unsigned long)BPF_CORE_READ(mnt, mnt_mountpoint);
		s->mnt = (unsigned long)up;
		return STEP_ON;
	}
	s->dentry = (unsigned long)parent;
	if (s->used - start >= MAX_PATH || !append_name(s, dentry, flags))
		return STEP_CUT;
	return STEP_ON;
}

/*
 * Append the components of a path, leaf first, each ended by a NUL; return the bytes. Mounts are
 * crossed, so the path is the one inside the sandbox. A path too long or deep is cut at the root's
 * end and *flags says so.
 */
static __noinline __u32 walk(struct scratch *s, struct vfsmount *vfsmnt, struct dentry *dentry,
			     __u16 *flags)
{
	__u64 start = s->used;
	int i, step = STEP_CUT;

	s->mnt = (unsigned long)vfsmnt - bpf_core_field_offset(struct mount, mnt);
	s->dentry = (unsigned long)dentry;
	for (i = 0; i < MAX_COMPONENTS; i++) {
		step = ato_walk_step(s, start, flags);
		if (step != STEP_ON)
			break;
	}
	if (step != STEP_ROOT)
		*flags |= ATO_F_TRUNCATED;
	return s->used - start;
}

static __always_inline __u32 walk_file(struct scratch *s, struct file *file, __u16 *flags)
{
	return walk(s, BPF_CORE_READ(file, f_path.mnt), BPF_CORE_READ(file, f_path.dentry), flags);
}

#endif
