/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Destinations: connect, and sends that name one. */
#ifndef ATO_BCC_DESTINATIONS_H
#define ATO_BCC_DESTINATIONS_H

#include "maps.h"

#define MAX_ADDR 128
#define MAX_MESSAGES 16

/* The head of a struct msghdr, and the struct mmsghdr around it, as programs pass them. */
struct message {
	__u64 name;
	__u32 namelen;
	__u32 pad;
	__u64 rest[5];
	__u32 sent;
	__u32 pad2;
};

static __always_inline void read_addr(struct call *c)
{
	__u64 len = c->len;

	__builtin_memset(c->text, 0, MAX_ADDR);
	if (len > MAX_ADDR)
		len = MAX_ADDR;
	asm volatile("" : "+r"(len)); /* or the compiler checks a copy of it */
	if (len > MAX_ADDR)
		return;
	c->read = bpf_probe_read_user(c->text, len, (void *)c->ptr) == 0;
}

static __always_inline int addr_enter(__u32 nr, int fd, const void *addr, __u32 len, __u64 value)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct call c = {};

	if (!addr) /* a connected socket's send: its connect was seen */
		return 0;
	c.nr = nr;
	c.fd = fd;
	c.ptr = (__u64)addr;
	c.len = len > MAX_ADDR ? MAX_ADDR : len;
	c.value = value;
	if (nr != __NR_sendmmsg) /* those one by one at exit, when their number is known */
		read_addr(&c);
	if (calls.update(&id, &c))
		count_missed(ATO_CRITICAL);
	return 0;
}

static __always_inline void submit_addr(const struct call *c, long ret)
{
	struct ato_addr *r;
	__u16 flags = 0;

	r = begin_critical(sizeof(*r));
	if (!r)
		return;
	r->ret = ret;
	r->size = c->value;
	r->fd = c->fd;
	r->nr = c->nr;
	r->addr_len = c->len;
	__builtin_memcpy(r->addr, c->text, MAX_ADDR);
	if (!c->read && ret != -EFAULT)
		flags |= ATO_F_UNREAD;
	count_flags(ATO_CRITICAL, flags);
	fill_header(&r->h, ATO_ADDR, flags);
	critical.ringbuf_submit(r, SUBMIT);
}

static __always_inline int addr_exit(__u32 nr, long ret)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct call *c = calls.lookup(&id);

	if (!c || c->nr != nr)
		return 0;
	if (!c->read) /* not there at entry: the kernel has faulted it in since */
		read_addr(c);
	if (nr == __NR_sendmsg && ret > 0)
		c->value = ret;
	submit_addr(c, ret);
	calls.delete(&id);
	return 0;
}

int ato_sys_enter_connect(struct tracepoint__syscalls__sys_enter_connect *args)
{
	if (!in_scope())
		return 0;
	return addr_enter(__NR_connect, args->fd, args->uservaddr, args->addrlen, 0);
}

int ato_sys_exit_connect(struct tracepoint__syscalls__sys_exit_connect *args)
{
	return addr_exit(__NR_connect, args->ret);
}

int ato_sys_enter_sendto(struct tracepoint__syscalls__sys_enter_sendto *args)
{
	if (!in_scope())
		return 0;
	return addr_enter(__NR_sendto, args->fd, args->addr, args->addr_len, args->len);
}

int ato_sys_exit_sendto(struct tracepoint__syscalls__sys_exit_sendto *args)
{
	return addr_exit(__NR_sendto, args->ret);
}

int ato_sys_enter_sendmsg(struct tracepoint__syscalls__sys_enter_sendmsg *args)
{
	struct message m = {};

	if (!in_scope())
		return 0;
	bpf_probe_read_user(&m, 16, args->msg);
	return addr_enter(__NR_sendmsg, args->fd, (void *)m.name, m.namelen, 0);
}

int ato_sys_exit_sendmsg(struct tracepoint__syscalls__sys_exit_sendmsg *args)
{
	return addr_exit(__NR_sendmsg, args->ret);
}

int ato_sys_enter_sendmmsg(struct tracepoint__syscalls__sys_enter_sendmmsg *args)
{
	if (!in_scope())
		return 0;
	return addr_enter(__NR_sendmmsg, args->fd, args->mmsg, 0, 0);
}

int ato_sys_exit_sendmmsg(struct tracepoint__syscalls__sys_exit_sendmmsg *args)
{
	__u64 id = bpf_get_current_pid_tgid(), messages;
	struct call *c = calls.lookup(&id);
	int i;

	if (!c || c->nr != __NR_sendmmsg)
		return 0;
	messages = c->ptr;
#pragma clang loop unroll(disable)
	for (i = 0; i < MAX_MESSAGES && i < args->ret; i++) {
		struct message m = {};

		bpf_probe_read_user(&m, sizeof(m), (void *)messages + i * sizeof(m));
		if (!m.name)
			continue;
		c->ptr = m.name;
		c->len = m.namelen > MAX_ADDR ? MAX_ADDR : m.namelen;
		c->value = m.sent;
		read_addr(c);
		submit_addr(c, m.sent);
	}
	if (args->ret > MAX_MESSAGES)
		count_flags(ATO_CRITICAL, ATO_F_TRUNCATED);
	calls.delete(&id);
	return 0;
}

#endif
