/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Files: openat with its flags and result. */
#ifndef ATO_BCC_FILES_H
#define ATO_BCC_FILES_H

#include "maps.h"

#define STRIDE 256
#define RING_HEADER 8
#define PATH_HEAD (sizeof(struct ato_path) - ATO_SHORT_TEXT)

struct path_record {
	char bytes[PATH_HEAD + MAX_PATH + STRIDE];
};

BPF_PERCPU_ARRAY(path_scratch, struct path_record, 1);

int ato_sys_enter_openat(struct tracepoint__syscalls__sys_enter_openat *args)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct call c = {};
	long n;

	if (!in_scope())
		return 0;
	c.nr = __NR_openat;
	c.ptr = (__u64)args->filename;
	c.fd = args->dfd;
	c.value = (__u32)args->flags;
	c.arg = args->mode;
	n = read_text(c.text, sizeof(c.text), args->filename);
	c.len = n > 0 ? n : 0;
	if (calls.update(&id, &c))
		count_missed(ATO_BULK);
	return 0;
}

/* Whether a path begins as it did at entry; both are filled up with zeros. */
static __always_inline bool same_start(const char *now, const char *entry)
{
	const __u64 *x = (const void *)now, *y = (const void *)entry;
	__u64 differ = 0;
	int i;

#pragma unroll
	for (i = 0; i < ATO_SHORT_TEXT / 8; i++)
		differ |= x[i] ^ y[i];
	return !differ;
}

/* Read the path again: at entry its page may not have been there, or its end not have fitted. */
static __always_inline __u64 read_path(char *text, const struct call *c, long ret, __u16 *flags)
{
	long n;

	__builtin_memset(text, 0, ENTRY_TEXT);
	n = read_text(text, MAX_PATH, (void *)c->ptr);
	if (!c->len) {
		if (n <= 0 && ret != -EFAULT)
			*flags |= ATO_F_UNREAD;
		return n > 0 ? n : 0;
	}
	if (n > 0 && same_start(text, c->text))
		return n;
	if (n > 0)
		*flags |= ATO_F_CHANGED;
	if (c->len == ENTRY_TEXT)
		*flags |= ATO_F_TRUNCATED;
	__builtin_memcpy(text, c->text, ENTRY_TEXT);
	return c->len;
}

int ato_sys_exit_openat(struct tracepoint__syscalls__sys_exit_openat *args)
{
	__u64 id = bpf_get_current_pid_tgid(), size;
	struct call *c = calls.lookup(&id);
	struct path_record *s;
	struct ato_path *r;
	__u16 flags = 0;
	int zero = 0;

	if (!c || c->nr != __NR_openat)
		return 0;
	count_produced(ATO_BULK);
	s = path_scratch.lookup(&zero);
	if (!s) {
		count_lost(ATO_BULK);
		return 0;
	}
	r = (struct ato_path *)s->bytes;
	__builtin_memset(r, 0, PATH_HEAD);
	r->ret = args->ret;
	r->value = c->value;
	r->dfd = c->fd;
	r->arg = c->arg;
	r->nr = c->nr;
	size = read_path(s->bytes + PATH_HEAD, c, args->ret, &flags);
	r->len[0] = size;
	count_flags(ATO_BULK, flags);
	fill_header(&r->h, ATO_PATH, flags);
	calls.delete(&id);
	size += PATH_HEAD + RING_HEADER;
	size = ((size + STRIDE - 1) & ~(__u64)(STRIDE - 1)) - RING_HEADER;
	if (size > sizeof(*s) || bulk.ringbuf_output(s, size, SUBMIT))
		count_lost(ATO_BULK);
	return 0;
}

#endif
