/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Plaintext at the doors of TLS libraries (uprobes). What is watched where comes with the
 * attachment, as its cookie, so that two programs serve all functions of all libraries. A uprobe
 * sits on the file, for every process that maps it: the scope test comes first.
 *
 * A call is kept from its entry to its return under the thread that makes it; of Go, under the
 * goroutine, which may return on another thread. There are no uretprobes: those write to the
 * stack, which Go moves.
 */
#ifndef ATO_TLS_H
#define ATO_TLS_H

#include "maps.h"
#include <asm/unistd.h>
#include "walk.h"

#define TLS_CALLS 8192
#define TLS_ROW 32
#define TLS_CHUNKS (TLS_ROW * TLS_ROW) /* of one call; 16 MiB */
#define TLS_SURE (8 << 20) /* bytes of one direction; beyond, a full ring is worse than a number */
#define TLS_KEPT (64 << 20) /* beyond, the reader keeps the number alone: plaintext.py */
#define PR_DESC_LAYERED 4 /* prio.h: the descriptor is one of a protocol, such as TLS */

/* Plaintext comes in floods, which must not push anything else out. The size is the loader's. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 32 << 20);
} plain SEC(".maps");

#define SENDS(nr)                                                                                  \
	((nr) == __NR_write || (nr) == __NR_writev || (nr) == __NR_sendto || (nr) == __NR_sendmsg)

struct tls_who {
	__u64 who; /* thread, or goroutine */
	__u32 tgid;
	__u32 pad;
};

struct tls_call {
	__u64 object; /* the library's own handle of the connection */
	__u64 call; /* time of entry */
	__u64 buffer;
	__u64 size;
	__u64 count; /* where the function writes how many bytes it took or gave */
	__u64 sp; /* at entry, before its prologue */
	__u64 cookie; /* of the socket that was used meanwhile */
	__s32 fd;
	__u16 function;
	__u16 flags;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, TLS_CALLS);
	__type(key, struct tls_who);
	__type(value, struct tls_call);
} tls_calls SEC(".maps");

/* The connection that a thread wrote to last, into memory: a socket has not carried it yet. */
struct tls_loose {
	__u64 object; /* 0: of several */
	__u32 function;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, TLS_CALLS);
	__type(key, struct tls_who);
	__type(value, struct tls_loose);
} tls_loose SEC(".maps");

/* One direction of a connection. */
struct tls_way {
	__u64 object;
	__u32 tgid;
	__u32 out;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, TLS_CALLS);
	__type(key, struct tls_way);
	__type(value, __u64);
} tls_carried SEC(".maps");

/* A program of such Go was met: before, no read or write need look for its goroutine. */
bool go_stack_met;

/* Of a thread of Go's: what it runs lies right below its thread-local storage. */
static __always_inline __u64 goroutine_of_thread(void)
{
	__u64 base = THREAD_POINTER(bpf_get_current_task_btf());
	__u64 goroutine = 0;

	bpf_probe_read_user(&goroutine, sizeof(goroutine), (void *)base - sizeof(goroutine));
	return goroutine;
}

static __always_inline struct tls_who this_thread(void)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct tls_who who = { .who = (__u32)id, .tgid = id >> 32 };

	return who;
}

static __always_inline struct tls_who tls_who(struct pt_regs *regs, __u32 function)
{
	struct tls_who who = this_thread();

	if (ATO_TLS_SHAPE(function) == ATO_TLS_GO) {
		who.who = GOROUTINE(regs);
	} else if (ATO_TLS_SHAPE(function) == ATO_TLS_GO_STACK) {
		who.who = goroutine_of_thread();
		go_stack_met = true;
	}
	return who;
}

static __always_inline bool writes(__u32 function)
{
	return function & ATO_TLS_WRITES;
}

/* What the function was given; false where it is none of a TLS connection's. */
static __always_inline bool tls_arguments(struct tls_call *c, struct pt_regs *regs)
{
	__u64 words[3] = {};
	__u64 methods = 0;
	__u32 kind = 0;

	c->object = CARG1(regs);
	c->buffer = CARG2(regs);
	c->size = CARG3(regs);
	switch (ATO_TLS_SHAPE(c->function)) {
	case ATO_TLS_NSPR: /* files and plain sockets go through the same functions */
		if (bpf_probe_read_user(&methods, sizeof(methods), (void *)c->object) ||
		    bpf_probe_read_user(&kind, sizeof(kind), (void *)methods) ||
		    kind != PR_DESC_LAYERED)
			return false;
		c->size = (__s32)c->size < 0 ? 0 : (__u32)c->size;
		break;
	case ATO_TLS_INT:
		c->size = (__s32)c->size < 0 ? 0 : (__u32)c->size;
		break;
	case ATO_TLS_EX:
		c->count = CARG4(regs);
		break;
	case ATO_TLS_EX2:
		c->count = CARG5(regs);
		break;
	case ATO_TLS_GO:
		c->object = GO_ARG1(regs);
		c->buffer = GO_ARG2(regs);
		c->size = GO_ARG3(regs);
		break;
	case ATO_TLS_GO_STACK: /* above the return address */
		if (bpf_probe_read_user(words, sizeof(words), (void *)c->sp + 8))
			return false;
		c->object = words[0];
		c->buffer = words[1];
		c->size = words[2];
		break;
	}
	return true;
}

/* Bytes that the call took or gave; negative where it failed. */
static __always_inline __s64 tls_result(struct tls_call *c, struct pt_regs *regs)
{
	__s64 result = CRESULT(regs);
	__u64 count = 0;

	switch (ATO_TLS_SHAPE(c->function)) {
	case ATO_TLS_INT:
	case ATO_TLS_NSPR:
		return (__s32)result;
	case ATO_TLS_EX:
	case ATO_TLS_EX2:
		if ((__s32)result != 1)
			return -1;
		bpf_probe_read_user(&count, sizeof(count), (void *)c->count);
		return count;
	case ATO_TLS_GO_STACK: /* behind the receiver and a slice of three words */
		bpf_probe_read_user(&count, sizeof(count), (void *)c->sp + 8 + 4 * 8);
		return count;
	}
	return result;
}

static __always_inline void fill_tls(struct ato_tls *r, struct tls_call *c, __u32 what)
{
	r->object = c->object;
	r->call = c->call;
	r->cookie = c->cookie;
	r->size = c->size;
	r->at = 0;
	r->fd = c->fd;
	r->len = 0;
	r->function = c->function;
	r->what = what;
	r->pad = 0;
	fill_header(&r->h, ATO_TLS, c->flags);
}

static __always_inline int submit_tls(struct tls_call *c, __u32 what)
{
	struct ato_tls *r;

	count_produced(ATO_PLAIN);
	r = bpf_ringbuf_reserve(&plain, sizeof(*r), 0);
	if (!r) {
		count_lost(ATO_PLAIN);
		return 0;
	}
	fill_tls(r, c, what);
	bpf_ringbuf_submit(r, SUBMIT);
	return 0;
}

/* A record with up to `room` bytes of the buffer; false where the ring has no room for it. */
static __always_inline bool submit_bytes(struct ato_tls *r, struct tls_call *c, __u32 what,
					 __u64 at, __u64 bytes, __u64 room, bool sleeps)
{
	const void *from = (void *)c->buffer + at;
	long error;

	if (!r) {
		count_lost(ATO_PLAIN);
		return false;
	}
	fill_tls(r, c, what);
	asm volatile("" : "+r"(bytes));
	if (bytes > room)
		bytes = room;
	error = bpf_probe_read_user(r + 1, bytes, from);
	if (error && sleeps) /* it lies on a page that is not in memory */
		error = bpf_copy_from_user(r + 1, bytes, from);
	r->at = at;
	r->len = error ? 0 : bytes;
	if (error) {
		r->h.flags |= ATO_F_UNREAD;
		count_flags(ATO_PLAIN, ATO_F_UNREAD);
	}
	bpf_ringbuf_submit(r, SUBMIT);
	return true;
}

#define reserve_tls(room) bpf_ringbuf_reserve(&plain, sizeof(struct ato_tls) + (room), 0)

/* The piece of a buffer at `at`; records are short where it is, so that small writes cost little. */
static __always_inline bool submit_piece(struct tls_call *c, __u64 at, __u32 what, bool sleeps)
{
	__u64 left = c->size - at;

	count_produced(ATO_PLAIN);
	if (left <= ATO_CHUNK_SMALL)
		return submit_bytes(reserve_tls(ATO_CHUNK_SMALL), c, what, at, left,
				    ATO_CHUNK_SMALL, sleeps);
	if (left <= ATO_CHUNK_MIDDLE)
		return submit_bytes(reserve_tls(ATO_CHUNK_MIDDLE), c, what, at, left,
				    ATO_CHUNK_MIDDLE, sleeps);
	return submit_bytes(reserve_tls(ATO_CHUNK), c, what, at, left, ATO_CHUNK, sleeps);
}

/*
 * All of a buffer, in rows of pieces. Global functions are verified once, not once in each round of
 * the loops below: they, and not the data, are why there are two loops.
 */
__noinline int ato_piece(struct tls_call *c, __u64 at, __u32 what)
{
	return c ? submit_piece(c, at, what, true) : 0;
}

__noinline int ato_piece_awake(struct tls_call *c, __u64 at, __u32 what)
{
	return c ? submit_piece(c, at, what, false) : 0;
}

/* Up to a row of pieces from `at` on; false where it was the last. */
static __always_inline bool submit_row(struct tls_call *c, __u64 at, __u32 what, bool sleeps)
{
	int i;

	for (i = 0; i < TLS_ROW; i++) {
		if (!(sleeps ? ato_piece(c, at, what) : ato_piece_awake(c, at, what)))
			return false;
		at += ATO_CHUNK;
		if (at >= c->size)
			return false;
	}
	return true;
}

__noinline int ato_row(struct tls_call *c, __u64 at, __u32 what)
{
	return c ? submit_row(c, at, what, true) : 0;
}

__noinline int ato_row_awake(struct tls_call *c, __u64 at, __u32 what)
{
	return c ? submit_row(c, at, what, false) : 0;
}

static __always_inline void submit_plaintext(struct tls_call *c, __u32 what, bool sleeps)
{
	__u64 at = 0;
	int i;

	for (i = 0; i < TLS_CHUNKS / TLS_ROW; i++) {
		if (!(sleeps ? ato_row(c, at, what) : ato_row_awake(c, at, what)))
			return;
		at += TLS_ROW * ATO_CHUNK;
	}
	count_flags(ATO_PLAIN, ATO_F_TRUNCATED);
}

static __always_inline struct tls_way tls_way(struct tls_call *c, bool out)
{
	struct tls_way way = { .object = c->object, .out = out };

	way.tgid = bpf_get_current_pid_tgid() >> 32;
	return way;
}

/*
 * Whether the bytes of a call are a number only. A large transfer is faster than the reader where
 * the processors are busy with it, and lost records would say nothing of how much was in them.
 */
static __always_inline bool only_counts(struct tls_call *c)
{
	struct tls_way way = tls_way(c, writes(c->function));
	__u64 *carried = bpf_map_lookup_elem(&tls_carried, &way);

	if (!carried || *carried < TLS_SURE)
		return false;
	return *carried >= TLS_KEPT || bpf_ringbuf_query(&plain, BPF_RB_AVAIL_DATA) >
					       bpf_ringbuf_query(&plain, BPF_RB_RING_SIZE) / 2;
}

static __always_inline void carry(struct tls_call *c, __u64 bytes)
{
	struct tls_way way = tls_way(c, writes(c->function));
	__u64 *carried = bpf_map_lookup_elem(&tls_carried, &way);

	if (carried)
		__sync_fetch_and_add(carried, bytes);
	else
		bpf_map_update_elem(&tls_carried, &way, &bytes, BPF_ANY);
}

/* The handle is given back; another connection may get the same. */
static __always_inline int tls_close(struct tls_call *c)
{
	struct tls_way out = tls_way(c, true), in = tls_way(c, false);

	bpf_map_delete_elem(&tls_carried, &out);
	bpf_map_delete_elem(&tls_carried, &in);
	return submit_tls(c, ATO_TLS_CLOSED);
}

/* A write that no socket followed went into memory, from where the program sends it itself. */
static __always_inline void tls_loosen(struct tls_call *c)
{
	struct tls_who who = this_thread();
	struct tls_loose loose = { .object = c->object, .function = c->function };
	struct tls_loose *other;

	if (c->fd >= 0)
		return;
	other = bpf_map_lookup_elem(&tls_loose, &who);
	if (other && other->object != c->object)
		loose.object = 0; /* of two, nobody knows which goes first */
	bpf_map_update_elem(&tls_loose, &who, &loose, BPF_ANY);
}

/* Called as a thread reads or writes a descriptor: which socket a connection is on. */
static __always_inline void tls_socket(struct pt_regs *regs, int fd, bool sends)
{
	struct tls_who who = this_thread();
	struct tls_call *call = bpf_map_lookup_elem(&tls_calls, &who);
	struct tls_loose *loose = NULL;
	struct tls_call bound = {};
	struct sock *sk;
	__u16 family;

	if (!call) {
		loose = sends ? bpf_map_lookup_elem(&tls_loose, &who) : NULL;
		who.who = GOROUTINE(regs);
		if (!loose)
			call = bpf_map_lookup_elem(&tls_calls, &who);
	}
	if (!call && !loose && go_stack_met) {
		who.who = goroutine_of_thread();
		call = bpf_map_lookup_elem(&tls_calls, &who);
	}
	if (!call && !loose)
		return;
	sk = sock_of(file_of(fd));
	family = sk ? BPF_CORE_READ(sk, __sk_common.skc_family) : 0;
	if (family != AF_INET && family != AF_INET6)
		return;
	if (call) {
		call->fd = fd;
		call->cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
		return;
	}
	bound.object = loose->object;
	bound.function = loose->function;
	bound.fd = fd;
	bound.cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	who = this_thread();
	bpf_map_delete_elem(&tls_loose, &who);
	if (bound.object)
		submit_tls(&bound, ATO_TLS_SOCKET);
}

/* A function of Go's begins anew when its stack was too small: the same call, not another one. */
static __always_inline bool begins_anew(struct tls_call *outer, struct tls_call *c)
{
	__u32 shape = ATO_TLS_SHAPE(c->function);

	return (shape == ATO_TLS_GO || shape == ATO_TLS_GO_STACK) &&
	       outer->function == c->function && outer->object == c->object &&
	       outer->buffer == c->buffer && outer->size == c->size;
}

static __always_inline int tls_enter(struct pt_regs *regs, bool sleeps)
{
	struct tls_call c = { .fd = -1 }, *outer;
	struct tls_who who;
	__u64 cookie;
	bool nested;

	if (!in_scope())
		return 0;
	cookie = bpf_get_attach_cookie(regs);
	c.function = (__u16)cookie;
	c.sp = STACK(regs) + (cookie >> 16); /* as it was before the prologue */
	c.call = bpf_ktime_get_ns();
	if (!tls_arguments(&c, regs))
		return 0;
	if (ATO_TLS_SHAPE(c.function) == ATO_TLS_FREE)
		return tls_close(&c);
	who = tls_who(regs, c.function);
	outer = bpf_map_lookup_elem(&tls_calls, &who);
	/* By another function of its library, which may never return: the reader finds that out. */
	nested = outer && outer->function != c.function && outer->object == c.object &&
		 c.sp <= outer->sp && writes(outer->function) == writes(c.function);
	c.flags = nested ? ATO_F_NESTED : 0;
	if (outer && writes(c.function) && begins_anew(outer, &c)) {
		struct tls_call vain = *outer;

		vain.size = -1; /* nothing was taken by the first attempt */
		submit_tls(&vain, ATO_TLS_DONE);
	}
	if (!nested && bpf_map_update_elem(&tls_calls, &who, &c, BPF_ANY)) {
		count_produced(ATO_PLAIN);
		count_lost(ATO_PLAIN);
	}
	if (writes(c.function) && !only_counts(&c))
		submit_plaintext(&c, ATO_TLS_OUT, sleeps);
	return 0;
}

static __always_inline int tls_leave(struct pt_regs *regs, bool sleeps)
{
	struct tls_call c, *call;
	struct tls_who who;
	__u32 function;
	__s64 result;

	if (!in_scope())
		return 0;
	function = (__u16)bpf_get_attach_cookie(regs);
	who = tls_who(regs, function);
	call = bpf_map_lookup_elem(&tls_calls, &who);
	if (!call || call->function != function)
		return 0;
	c = *call;
	bpf_map_delete_elem(&tls_calls, &who);
	result = tls_result(&c, regs);
	if (writes(function)) {
		c.size = result;
		if (result > 0) {
			carry(&c, result);
			tls_loosen(&c);
		}
		return submit_tls(&c, ATO_TLS_DONE);
	}
	if (result <= 0)
		return 0;
	if ((__u64)result < c.size)
		c.size = result;
	if (only_counts(&c))
		submit_tls(&c, ATO_TLS_COUNTED);
	else
		submit_plaintext(&c, ATO_TLS_IN, sleeps);
	carry(&c, c.size);
	return 0;
}

/* Sleepable programs (6.0) read what is not in memory; where there are none, that is unread. */
SEC("uprobe.s")
int ato_tls_enter(struct pt_regs *regs)
{
	return tls_enter(regs, true);
}

SEC("uprobe.s")
int ato_tls_leave(struct pt_regs *regs)
{
	return tls_leave(regs, true);
}

SEC("uprobe")
int ato_tls_enter_awake(struct pt_regs *regs)
{
	return tls_enter(regs, false);
}

SEC("uprobe")
int ato_tls_leave_awake(struct pt_regs *regs)
{
	return tls_leave(regs, false);
}

#endif
