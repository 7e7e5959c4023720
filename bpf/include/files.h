/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* System calls on paths, and executable mappings. */
#ifndef ATO_FILES_H
#define ATO_FILES_H

#include "pending.h"
#include "walk.h"

#define STRIDE 256
#define RING_HEADER 8

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} path_scratch SEC(".maps");

/* Which file it is; all zero: none. */
struct file_id {
	__u64 ino;
	__u32 dev;
	__u32 nlink;
};

#define INODE_SPAN 64

/* Fields that lie near each other, as they do in most kernels, come in one read. */
static __always_inline void identify(struct file_id *id, struct file *file)
{
	__u64 start = bpf_core_field_offset(struct inode, i_sb);
	__u64 ino = bpf_core_field_offset(struct inode, i_ino) - start;
	__u64 nlink = bpf_core_field_offset(struct inode, i_nlink) - start;
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	__u64 span[INODE_SPAN / 8] = {};
	struct super_block *sb;

	if (ino <= INODE_SPAN - sizeof(id->ino) && nlink <= INODE_SPAN - sizeof(id->nlink)) {
		bpf_probe_read_kernel(span, sizeof(span), (void *)inode + start);
		sb = (void *)span[0];
		id->ino = *(__u64 *)((void *)span + ino);
		id->nlink = *(__u32 *)((void *)span + nlink);
	} else {
		sb = BPF_CORE_READ(inode, i_sb);
		id->ino = BPF_CORE_READ(inode, i_ino);
		id->nlink = BPF_CORE_READ(inode, i_nlink);
	}
	id->dev = BPF_CORE_READ(sb, s_dev);
}

/*
 * Files whose path has been reported in this audit: a path is walked on first sight only, which
 * makes a flood of opens cheap. Opens for writing are always walked: names move with them.
 */
struct seen_key {
	__u64 ino;
	__u32 dev;
	__u32 generation;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct seen_key);
	__type(value, __u8);
} seen SEC(".maps");

static __always_inline bool first_sight(const struct file_id *id)
{
	struct ato_scope *s = live_scope();
	struct seen_key key = {
		.ino = id->ino,
		.dev = id->dev,
		.generation = s ? s->generation : 0,
	};
	__u8 yes = 1;

	if (bpf_map_lookup_elem(&seen, &key))
		return false;
	bpf_map_update_elem(&seen, &key, &yes, BPF_ANY);
	return true;
}

/* A string with its NUL; up to Linux 6.12 the helper answers 0 for one that is empty. */
static __always_inline long read_text(char *to, __u32 size, const void *ptr)
{
	long n = bpf_probe_read_user_str(to, size, ptr);

	if (n)
		return n;
	*to = 0;
	return 1;
}

/*
 * Read a path at entry; what the kernel will see is nearly always what stands there now. Behind a
 * short one are zeroes, as same_path() wants it.
 */
static __always_inline __u16 read_path(char *path, const void *ptr)
{
	long n;

	/* Without the promise, clang clears byte by byte. */
	__builtin_memset(__builtin_assume_aligned(path, 8), 0, ATO_SHORT_TEXT);
	n = read_text(path, ENTRY_PATH, ptr);
	return n > 0 ? n : 0;
}

static __always_inline void two_paths(struct pending *p, int dfd, unsigned long path, int dfd2,
				      unsigned long path2)
{
	p->dfd = dfd;
	p->ptr = path;
	p->dfd2 = dfd2;
	p->ptr2 = path2;
}

/* Fill p with the arguments of a call on paths. */
static __always_inline void path_enter(struct pending *p, struct pt_regs *regs)
{
	unsigned long a = ARG1(regs), b = ARG2(regs), c = ARG3(regs), d = ARG4(regs);

	p->dfd = p->dfd2 = AT_FDCWD;
	switch (p->nr) {
#ifdef __NR_open
	case __NR_open:
		p->ptr = a;
		p->value = b;
		p->arg = c;
		break;
	case __NR_creat:
		p->ptr = a;
		p->value = O_CREAT | O_WRONLY | O_TRUNC;
		p->arg = b;
		break;
	case __NR_rename:
	case __NR_link:
	case __NR_symlink:
		two_paths(p, AT_FDCWD, a, AT_FDCWD, b);
		break;
	case __NR_unlink:
	case __NR_rmdir:
		p->ptr = a;
		break;
	case __NR_chmod:
		p->ptr = a;
		p->arg = b;
		break;
#endif
	case __NR_openat:
		p->dfd = a;
		p->ptr = b;
		p->value = c;
		p->arg = d;
		break;
	case __NR_openat2:
		p->dfd = a;
		p->ptr = b;
		/* struct open_how starts with its flags */
		bpf_probe_read_user(&p->value, sizeof(p->value), (void *)c);
		break;
	case __NR_symlinkat:
		two_paths(p, AT_FDCWD, a, b, c);
		break;
	case __NR_truncate:
		p->ptr = a;
		p->value = b;
		break;
	case __NR_unlinkat:
	case __NR_fchmodat:
	case 452:
		p->dfd = a;
		p->ptr = b;
		p->arg = c;
		break;
	case __NR_memfd_create:
		p->ptr = a;
		p->arg = b;
		break;
	default: /* renameat, renameat2, linkat */
		two_paths(p, a, b, c, d);
		break;
	}
	p->len = read_path(p->path, (void *)p->ptr);
	if (p->ptr2)
		p->len2 = read_path(p->path2, (void *)p->ptr2);
}

static __always_inline void fill_path(struct ato_path *r, const struct pending *p, long ret,
				      const struct file_id *id)
{
	r->ret = ret;
	r->value = p->value;
	r->dfd = p->dfd;
	r->dfd2 = p->dfd2;
	r->arg = p->arg;
	r->nr = p->nr;
	r->pad = 0;
	r->ino = id->ino;
	r->dev = id->dev;
	r->nlink = id->nlink;
	r->len[0] = r->len[1] = r->len[2] = r->len[3] = 0;
}

/* Whether the program's path is still what it was at entry; `now` is zero-filled like p->path. */
static __always_inline bool same_path(const char *now, const struct pending *p)
{
	const __u64 *x = (const void *)now, *y = (const void *)p->path;
	__u64 differ = 0;
	int i;

#pragma unroll
	for (i = 0; i < ATO_SHORT_TEXT / 8; i++)
		differ |= x[i] ^ y[i];
	return !differ;
}

/* The common case, one fixed record: an open whose path is short and whose file is known. */
static __always_inline void submit_short(const struct pending *p, long ret,
					 const struct file_id *id)
{
	struct ato_path *r;
	__u64 len = p->len;
	__u16 flags = 0;
	long fault;

	r = reserve_bulk(struct ato_path);
	if (!r)
		return;
	fill_path(r, p, ret, id);
	__builtin_memset(r->text, 0, sizeof(r->text));
	asm volatile("" : "+r"(len));
	if (len > sizeof(r->text))
		len = sizeof(r->text);
	fault = bpf_probe_read_user(r->text, len, (void *)p->ptr);
	if (fault || !same_path(r->text, p)) {
		if (!fault)
			flags |= ATO_F_CHANGED;
		__builtin_memcpy(r->text, p->path, sizeof(r->text));
	}
	r->len[0] = p->len;
	fill_header(&r->h, ATO_PATH, flags);
	bpf_ringbuf_submit(r, SUBMIT);
}

/*
 * Append one of the program's paths; return its length with the NUL. A path that filled the buffer
 * at entry is read again, whole; so is one whose page was not there yet.
 */
__noinline __u32 ato_append_path(struct scratch *s, const struct pending *p, bool second,
				 __u16 *flags)
{
	const char *entry;
	__u16 len;
	__u64 ptr;
	char *at;
	long n;

	if (!s || !p || !flags)
		return 0;
	entry = second ? p->path2 : p->path;
	len = second ? p->len2 : p->len;
	ptr = second ? p->ptr2 : p->ptr;
	at = scratch_end(s, flags);
	if (!at)
		return 0;
	if (len && len < ENTRY_PATH) {
		__u64 now = 0;

		bpf_probe_read_kernel(at, ENTRY_PATH, entry);
		/* The leading bytes are enough here: the kernel's own path stands beside it. */
		if (len > sizeof(now) && !bpf_probe_read_user(&now, sizeof(now), (void *)ptr) &&
		    now != *(const __u64 *)entry)
			*flags |= ATO_F_CHANGED;
		n = len;
	} else {
		n = read_text(at, MAX_PATH, (void *)ptr);
		if (n <= 0 && len) { /* gone since: the beginning is what there is */
			bpf_probe_read_kernel(at, ENTRY_PATH, entry);
			*flags |= ATO_F_TRUNCATED;
			n = ENTRY_PATH;
		} else if (n <= 0) {
			*flags |= ATO_F_UNREAD;
			n = 0;
		}
	}
	s->used += n;
	return n;
}

/* Append the directory that a relative path starts at: the descriptor's, or the working one. */
static __always_inline __u32 append_base(struct scratch *s, int dfd, __u16 *flags)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct file *dir;

	if (dfd == AT_FDCWD)
		return walk(s, BPF_CORE_READ(task, fs, pwd.mnt),
			    BPF_CORE_READ(task, fs, pwd.dentry), flags);
	dir = file_of(dfd);
	return dir ? walk_file(s, dir, flags) : 0;
}

/*
 * Everything else: texts of any length, put together in the scratch and copied out. Global, so that
 * it is verified once and not once a kind of call.
 */
__noinline int ato_submit_long(struct pending *p, long ret, __u64 number, __u32 kind)
{
	struct file *file = (void *)number;
	struct file_id id = {};
	struct scratch *s;
	struct ato_path *r;
	__u32 zero = 0;
	__u16 flags = 0;
	__u64 size;

	if (!p)
		return 0;
	count_produced(ATO_BULK);
	s = bpf_map_lookup_elem(&path_scratch, &zero);
	if (!s) {
		count_lost(ATO_BULK);
		return 0;
	}
	r = (void *)s->rec;
	s->used = sizeof(*r) - ATO_SHORT_TEXT;
	if (file)
		identify(&id, file);
	fill_path(r, p, ret, &id);
	if (p->ptr)
		r->len[0] = ato_append_path(s, p, false, &flags);
	if (p->ptr2)
		r->len[1] = ato_append_path(s, p, true, &flags);
	if (file) {
		r->len[2] = walk_file(s, file, &flags);
		flags |= ATO_F_FILE;
		flags &= ~ATO_F_UNREAD; /* the kernel's own path is the better one */
	} else if (p->ptr && p->path[0] != '/' && kind == ATO_PATH) {
		r->len[2] = append_base(s, p->dfd, &flags);
	}
	if (p->ptr2 && p->path2[0] != '/')
		r->len[3] = append_base(s, p->dfd2, &flags);
	if (ret == -EFAULT)
		flags &= ~ATO_F_UNREAD; /* the kernel could not read it either */
	count_flags(ATO_BULK, flags);
	fill_header(&r->h, kind, flags);
	size = s->used + RING_HEADER;
	size = ((size + STRIDE - 1) & ~(__u64)(STRIDE - 1)) - RING_HEADER;
	asm volatile("" : "+r"(size));
	if (size > sizeof(s->rec) || bpf_ringbuf_output(&bulk, r, size, SUBMIT))
		count_lost(ATO_BULK);
	return 0;
}

static __always_inline int submit_long(struct pending *p, long ret, struct file *file, __u32 kind)
{
	return ato_submit_long(p, ret, (unsigned long)file, kind);
}

/*
 * As file_of(), for what is opened often. The verifier knows the types of these loads, which saves
 * a helper call for each; but it searches all of the kernel's types for them.
 */
__noinline __u64 ato_opened_file(int fd)
{
	struct fdtable *table = bpf_get_current_task_btf()->files->fdt;
	struct file *file = NULL;

	if (fd < 0 || fd >= table->max_fds)
		return 0;
	bpf_core_read(&file, sizeof(file), table->fd + fd);
	return (unsigned long)file;
}

static __always_inline int open_exit(struct pending *p, long ret)
{
	struct file *file = ret >= 0 ? (void *)ato_opened_file(ret) : NULL;
	bool writes = p->value & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC);

	if (p->len && p->len <= ATO_SHORT_TEXT && (file ? !writes : p->path[0] == '/')) {
		struct file_id id = {};

		if (file)
			identify(&id, file);
		if (!file || !first_sight(&id)) {
			submit_short(p, ret, &id);
			return 0;
		}
	}
	return submit_long(p, ret, file, ATO_PATH);
}

static __always_inline void map_enter(struct pending *p, struct pt_regs *regs)
{
	p->ptr = p->ptr2 = 0;
	p->value = ARG2(regs);
	p->arg = ARG3(regs);
	p->dfd = -1;
	p->dfd2 = 0;
	if (p->nr == __NR_mmap) {
		p->dfd2 = ARG4(regs);
		p->dfd = (p->dfd2 & 0x20) ? -1 : (int)ARG5(regs); /* MAP_ANONYMOUS */
	}
	if (!(p->arg & PROT_EXEC))
		p->class = CALL_NONE;
}

#endif
