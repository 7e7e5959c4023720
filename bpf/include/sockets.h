/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Destinations: what programs name, what the kernel took over, what TCP then did. */
#ifndef ATO_SOCKETS_H
#define ATO_SOCKETS_H

#include "pending.h"
#include "walk.h"

#define ADDR_MAX 128
#define MAX_MESSAGES 16
#define MMSGHDR 64 /* sizeof(struct mmsghdr) */

/* The head of a struct msghdr as programs pass it. */
struct user_msghdr {
	__u64 name;
	__u32 namelen;
	__u32 pad;
};

static __always_inline void read_addr(struct pending *p)
{
	__u64 len = p->len2;

	__builtin_memset(p->path, 0, ADDR_MAX);
	if (len > ADDR_MAX)
		len = ADDR_MAX;
	asm volatile("" : "+r"(len));
	if (len > ADDR_MAX)
		return;
	p->len = bpf_probe_read_user(p->path, len, (void *)p->ptr) == 0;
}

static __always_inline void addr_enter(struct pending *p, struct pt_regs *regs)
{
	struct user_msghdr message = {};

	p->dfd = ARG1(regs);
	p->value = 0;
	switch (p->class) {
	case CALL_ADDR:
		p->ptr = ARG2(regs);
		p->len2 = ARG3(regs) > ADDR_MAX ? ADDR_MAX : ARG3(regs);
		break;
	case CALL_SENDTO:
		p->value = ARG3(regs);
		p->ptr = ARG5(regs);
		p->len2 = ARG6(regs) > ADDR_MAX ? ADDR_MAX : ARG6(regs);
		break;
	case CALL_SENDMSG:
		bpf_probe_read_user(&message, sizeof(message), (void *)ARG2(regs));
		p->ptr = message.name;
		p->len2 = message.namelen > ADDR_MAX ? ADDR_MAX : message.namelen;
		break;
	default: /* CALL_SENDMMSG: each message at exit, when their number is known */
		p->ptr2 = ARG2(regs);
		return;
	}
	if (!p->ptr) { /* a connected socket's send: its connect was seen */
		p->class = CALL_NONE;
		return;
	}
	read_addr(p);
}

static __always_inline void fill_socket(struct ato_addr *r, struct file *file)
{
	struct sock *sk = sock_of(file);

	r->family = r->type = r->protocol = 0;
	r->cookie = 0;
	if (!sk)
		return;
	r->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	r->type = BPF_CORE_READ(sk, sk_type);
	r->protocol = BPF_CORE_READ(sk, sk_protocol);
}

static __noinline int submit_addr(struct pending *p, long ret)
{
	struct ato_addr *r = reserve_critical(struct ato_addr);
	__u16 flags = 0;

	if (!r)
		return 0;
	r->ret = ret;
	r->size = p->value;
	r->fd = p->dfd;
	r->nr = p->nr;
	r->addr_len = p->len2;
	r->pad = 0;
	fill_socket(r, file_of(p->dfd));
	__builtin_memcpy(r->addr, p->path, ADDR_MAX);
	if (!p->len && ret != -EFAULT)
		flags |= ATO_F_UNREAD;
	count_flags(ATO_CRITICAL, flags);
	fill_header(&r->h, ATO_ADDR, flags);
	bpf_ringbuf_submit(r, SUBMIT);
	return 0;
}

static __always_inline int addr_exit(struct pending *p, long ret)
{
	if (!p->len) /* not there at entry: the kernel has faulted it in since */
		read_addr(p);
	if (p->class == CALL_SENDMSG && ret > 0)
		p->value = ret;
	return submit_addr(p, ret);
}

/* One of the messages of sendmmsg. Global, so that it is verified once and not once a message. */
__noinline int ato_submit_message(struct pending *p, __u64 at)
{
	struct user_msghdr message = {};
	__u32 size = 0;

	bpf_probe_read_user(&message, sizeof(message), (void *)at);
	if (!p || !message.name)
		return 0;
	bpf_probe_read_user(&size, sizeof(size), (void *)at + MMSGHDR - 8);
	p->ptr = message.name;
	p->len2 = message.namelen > ADDR_MAX ? ADDR_MAX : message.namelen;
	p->value = size;
	read_addr(p);
	return submit_addr(p, size);
}

static __always_inline int sendmmsg_exit(struct pending *p, long sent)
{
	int i;

	for (i = 0; i < MAX_MESSAGES && i < sent; i++)
		ato_submit_message(p, p->ptr2 + (__u64)i * MMSGHDR);
	if (sent > MAX_MESSAGES)
		count_flags(ATO_CRITICAL, ATO_F_TRUNCATED);
	return 0;
}

/* The kernel's copy of a destination, from the cgroup hooks, as a struct sockaddr. */
static __always_inline int submit_kernel_addr(struct bpf_sock_addr *ctx, __u32 nr, bool six)
{
	struct ato_addr *r;

	if (!live_scope())
		return 1;
	r = reserve_critical(struct ato_addr);
	if (!r)
		return 1;
	r->ret = 0;
	r->size = 0;
	r->fd = -1;
	r->nr = nr;
	r->cookie = bpf_get_socket_cookie(ctx);
	r->family = ctx->family;
	r->type = ctx->type;
	r->protocol = ctx->protocol;
	r->pad = 0;
	__builtin_memset(r->addr, 0, ADDR_MAX);
	*(__u16 *)r->addr = six ? AF_INET6 : AF_INET; /* user_family may be AF_UNSPEC */
	*(__u16 *)(r->addr + 2) = ctx->user_port;
	if (six) {
		*(__u32 *)(r->addr + 8) = ctx->user_ip6[0];
		*(__u32 *)(r->addr + 12) = ctx->user_ip6[1];
		*(__u32 *)(r->addr + 16) = ctx->user_ip6[2];
		*(__u32 *)(r->addr + 20) = ctx->user_ip6[3];
		r->addr_len = 28;
	} else {
		*(__u32 *)(r->addr + 4) = ctx->user_ip4;
		r->addr_len = 16;
	}
	fill_header(&r->h, ATO_ADDR, ATO_F_KERNEL);
	bpf_ringbuf_submit(r, SUBMIT);
	return 1; /* always let it pass */
}

SEC("cgroup/connect4")
int ato_connect4(struct bpf_sock_addr *ctx)
{
	return submit_kernel_addr(ctx, __NR_connect, false);
}

SEC("cgroup/connect6")
int ato_connect6(struct bpf_sock_addr *ctx)
{
	return submit_kernel_addr(ctx, __NR_connect, true);
}

SEC("cgroup/sendmsg4")
int ato_sendmsg4(struct bpf_sock_addr *ctx)
{
	return submit_kernel_addr(ctx, __NR_sendmsg, false);
}

SEC("cgroup/sendmsg6")
int ato_sendmsg6(struct bpf_sock_addr *ctx)
{
	return submit_kernel_addr(ctx, __NR_sendmsg, true);
}

/*
 * TCP goes on in softirq after its process has ended, under whatever task is current, so these
 * are scoped by the network namespace.
 */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(ato_inet_sock_set_state, struct sock *sk, int oldstate, int newstate)
{
	struct ato_scope *s = live_scope();
	struct ato_state *r;

	if (!s || !s->netns || BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum) != s->netns)
		return 0;
	r = reserve_critical(struct ato_state);
	if (!r)
		return 0;
	r->cookie = bpf_get_socket_cookie(sk);
	r->family = sk->__sk_common.skc_family;
	r->lport = sk->__sk_common.skc_num;
	r->dport = bpf_ntohs(sk->__sk_common.skc_dport);
	r->oldstate = oldstate;
	r->newstate = newstate;
	__builtin_memset(r->saddr, 0, sizeof(r->saddr));
	__builtin_memset(r->daddr, 0, sizeof(r->daddr));
	if (r->family == AF_INET6) {
		BPF_CORE_READ_INTO(&r->saddr, sk, __sk_common.skc_v6_rcv_saddr.in6_u.u6_addr8);
		BPF_CORE_READ_INTO(&r->daddr, sk, __sk_common.skc_v6_daddr.in6_u.u6_addr8);
	} else {
		*(__u32 *)r->saddr = sk->__sk_common.skc_rcv_saddr;
		*(__u32 *)r->daddr = sk->__sk_common.skc_daddr;
	}
	fill_header(&r->h, ATO_STATE, 0);
	bpf_ringbuf_submit(r, SUBMIT);
	return 0;
}

#endif
