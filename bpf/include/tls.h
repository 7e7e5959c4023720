/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Plaintext at the doors of TLS libraries (uprobes). What is watched where comes with the
 * attachment, as its cookie, so that two programs serve all functions of all libraries. A uprobe
 * sits on the file, for every process that maps it: the scope test comes first.
 *
 * A call is kept from its entry to its return with the thread that makes it; of Go, under the
 * goroutine, which may return on another thread. There are no uretprobes of Go's functions: those
 * write to the stack, which Go moves.
 *
 * Bytes to be written are read at the entry: at the return, a program's other threads and what the
 * library called back may have put others in their place. Those of a small write wait with the
 * thread, and become one record with the result. A write that never returns (its callback jumps
 * away, or its thread ends) is told by the next call of its thread or by the thread's end.
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
#define TLS_SUMMED (64 << 10) /* bytes that a thread adds up by itself */
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
	__u64 call; /* time of entry; 0 while the bytes wait */
	__u64 buffer;
	__u64 size;
	__u64 count; /* where the function writes how many bytes it took or gave */
	__u64 sp; /* at entry, before its prologue */
	__u64 cookie; /* of the socket that was used meanwhile */
	__s32 fd;
	__u16 function;
	__u16 flags;
};

/* Of Go alone. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, TLS_CALLS);
	__type(key, struct tls_who);
	__type(value, struct tls_call);
} tls_calls SEC(".maps");

/* The connection that a thread wrote to last, into memory: a socket has not carried it yet. */
struct tls_loose {
	__u64 object; /* 0: of several */
	__u32 function; /* 0: there is none */
	__u32 pad;
};

/* The direction of a connection that a thread used last, so that most calls need no look-up. */
struct tls_share {
	__u64 object;
	__u64 carried; /* by all threads, when this one looked */
	__u64 own; /* since then */
};

struct tls_thread {
	struct tls_call call; /* function 0: none */
	struct tls_loose loose;
	struct tls_share in;
	struct tls_share out;
	__u32 generation; /* of the audit that the thread is known to belong to */
	__u16 held_bytes;
	__u16 holds; /* the call is a write whose bytes are not told yet */
	struct {
		struct ato_tls record;
		__u8 bytes[ATO_CHUNK_SMALL];
	} held;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct tls_thread);
} tls_threads SEC(".maps");

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

/* A program of Go, or of such Go, was met: before, no read or write need look for its goroutine. */
bool go_met;
bool go_stack_met;

/* Of a thread of Go's: what it runs lies right below its thread-local storage. */
static __always_inline __u64 goroutine_of_thread(void)
{
	__u64 base = THREAD_POINTER(bpf_get_current_task_btf());
	__u64 goroutine = 0;

	bpf_probe_read_user(&goroutine, sizeof(goroutine), (void *)base - sizeof(goroutine));
	return goroutine;
}

static __always_inline bool is_go(__u32 function)
{
	return ATO_TLS_SHAPE(function) == ATO_TLS_GO || ATO_TLS_SHAPE(function) == ATO_TLS_GO_STACK;
}

static __always_inline struct tls_who tls_who(__u64 goroutine)
{
	struct tls_who who = { .who = goroutine, .tgid = bpf_get_current_pid_tgid() >> 32 };

	return who;
}

static __always_inline struct tls_who goroutine(struct pt_regs *regs, __u32 function)
{
	go_met = true;
	if (ATO_TLS_SHAPE(function) == ATO_TLS_GO)
		return tls_who(GOROUTINE(regs));
	go_stack_met = true;
	return tls_who(goroutine_of_thread());
}

static __always_inline struct tls_thread *known_thread(__u64 flags)
{
	return bpf_task_storage_get(&tls_threads, bpf_get_current_task_btf(), 0, flags);
}

/*
 * What is kept of the current thread, if it belongs to the audit. Nobody leaves its cgroup: a thread
 * that was found to be in it needs no second test.
 */
static __always_inline struct tls_thread *thread_in_scope(void)
{
	struct ato_scope *s = live_scope();
	struct tls_thread *t;

	if (!s)
		return NULL;
	t = known_thread(0);
	if (t && t->generation == s->generation)
		return t;
	if (!in_scope())
		return NULL;
	t = known_thread(BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (t) {
		t->generation = s->generation;
	} else {
		count_produced(ATO_PLAIN);
		count_lost(ATO_PLAIN);
	}
	return t;
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

/* Take the bytes of a small write. */
static __always_inline void hold(struct tls_thread *t, bool sleeps)
{
	const void *from = (void *)t->call.buffer;
	__u64 bytes = t->call.size;
	long error;

	asm volatile("" : "+r"(bytes));
	if (bytes > ATO_CHUNK_SMALL)
		return;
	error = bpf_probe_read_user(t->held.bytes, bytes, from);
	if (error && sleeps)
		error = bpf_copy_from_user(t->held.bytes, bytes, from);
	if (error)
		t->call.flags |= ATO_F_UNREAD;
	t->held_bytes = error ? 0 : bytes;
	t->holds = true;
}

/* Tell them, with the result where there is one. */
static __always_inline void tell_held(struct tls_thread *t, __u32 what, __s64 result)
{
	__u64 bytes = t->held_bytes;

	t->holds = false;
	if (what == ATO_TLS_OUT)
		t->call.call = bpf_ktime_get_ns();
	count_produced(ATO_PLAIN);
	count_flags(ATO_PLAIN, t->call.flags);
	fill_tls(&t->held.record, &t->call, what);
	t->held.record.len = bytes;
	if (what == ATO_TLS_WROTE) {
		t->held.record.at = t->call.size;
		t->held.record.size = result;
	}
	asm volatile("" : "+r"(bytes));
	if (bytes > ATO_CHUNK_SMALL ||
	    bpf_ringbuf_output(&plain, &t->held, sizeof(struct ato_tls) + bytes, SUBMIT))
		count_lost(ATO_PLAIN);
}

/* Called as a thread ends, which its write never outlives. */
static __always_inline void tls_thread_ends(void)
{
	struct tls_thread *t = known_thread(0);

	if (t && t->holds && in_scope())
		tell_held(t, ATO_TLS_OUT, 0);
}

static __always_inline struct tls_way tls_way(__u64 object, bool out)
{
	struct tls_way way = { .object = object, .out = out };

	way.tgid = bpf_get_current_pid_tgid() >> 32;
	return way;
}

/* Add what a thread carried to what all did, and look how much that is. */
static __always_inline void settle(struct tls_share *share, bool out)
{
	struct tls_way way = tls_way(share->object, out);
	__u64 *carried = bpf_map_lookup_elem(&tls_carried, &way);

	if (carried)
		share->carried = __sync_fetch_and_add(carried, share->own) + share->own;
	else
		share->carried = share->own;
	if (!carried && share->own)
		bpf_map_update_elem(&tls_carried, &way, &share->own, BPF_ANY);
	share->own = 0;
}

static __always_inline struct tls_share *share_of(struct tls_thread *t, struct tls_call *c)
{
	bool out = writes(c->function);
	struct tls_share *share = out ? &t->out : &t->in;

	if (share->object != c->object) {
		if (share->own)
			settle(share, out);
		share->object = c->object;
		settle(share, out);
	}
	return share;
}

/*
 * Whether the bytes of a call are a number only. A large transfer is faster than the reader where
 * the processors are busy with it, and lost records would say nothing of how much was in them.
 */
static __always_inline bool only_counts(struct tls_thread *t, struct tls_call *c)
{
	struct tls_share *share = share_of(t, c);

	if (share->carried + share->own < TLS_SURE)
		return false;
	settle(share, writes(c->function)); /* the handle may be another connection's by now */
	if (share->carried < TLS_SURE)
		return false;
	return share->carried >= TLS_KEPT ||
	       bpf_ringbuf_query(&plain, BPF_RB_AVAIL_DATA) >
		       bpf_ringbuf_query(&plain, BPF_RB_RING_SIZE) / 2;
}

static __always_inline void carry(struct tls_thread *t, struct tls_call *c, __u64 bytes)
{
	struct tls_share *share = share_of(t, c);

	share->own += bytes;
	if (share->own >= TLS_SUMMED)
		settle(share, writes(c->function));
}

/* The handle is given back; another connection may get the same. */
static __always_inline int tls_close(struct tls_call *c)
{
	struct tls_way out = tls_way(c->object, true), in = tls_way(c->object, false);

	bpf_map_delete_elem(&tls_carried, &out);
	bpf_map_delete_elem(&tls_carried, &in);
	return submit_tls(c, ATO_TLS_CLOSED);
}

/* A write that no socket followed went into memory, from where the program sends it itself. */
static __always_inline void tls_loosen(struct tls_thread *t, struct tls_call *c)
{
	if (c->fd >= 0)
		return;
	/* of two, nobody knows which goes first */
	t->loose.object = !t->loose.function || t->loose.object == c->object ? c->object : 0;
	t->loose.function = c->function;
}

/* The call that a thread is in; of Go, its goroutine. */
static __always_inline struct tls_call *call_around(struct tls_thread *t, struct pt_regs *regs)
{
	struct tls_call *call;
	struct tls_who who;

	if (t && t->call.function)
		return &t->call;
	if (!go_met)
		return NULL;
	who = tls_who(GOROUTINE(regs));
	call = bpf_map_lookup_elem(&tls_calls, &who);
	if (call || !go_stack_met)
		return call;
	who = tls_who(goroutine_of_thread());
	return bpf_map_lookup_elem(&tls_calls, &who);
}

/* Called as a thread reads or writes a descriptor: which socket a connection is on. */
static __always_inline void tls_socket(struct pt_regs *regs, int fd, bool sends)
{
	struct tls_thread *t = known_thread(0);
	bool loose = t && !t->call.function && sends && t->loose.function;
	struct tls_call *call = loose ? NULL : call_around(t, regs);
	struct tls_call bound = {};
	struct sock *sk;
	__u16 family;

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
	bound.object = t->loose.object;
	bound.function = t->loose.function;
	bound.fd = fd;
	bound.cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	t->loose.function = 0;
	if (bound.object)
		submit_tls(&bound, ATO_TLS_SOCKET);
}

/* A function of Go's begins anew when its stack was too small: the same call, not another one. */
static __always_inline bool begins_anew(struct tls_call *outer, struct tls_call *c)
{
	return is_go(c->function) && outer->function == c->function &&
	       outer->object == c->object && outer->buffer == c->buffer && outer->size == c->size;
}

/* Keep a call until it returns. */
static __always_inline void keep(struct tls_thread *t, struct tls_call *c, struct tls_who *who)
{
	if (!is_go(c->function)) {
		t->call = *c;
	} else if (bpf_map_update_elem(&tls_calls, who, c, BPF_ANY)) {
		count_produced(ATO_PLAIN);
		count_lost(ATO_PLAIN);
	}
}

static __always_inline int tls_enter(struct pt_regs *regs, bool sleeps)
{
	struct tls_thread *t = thread_in_scope();
	struct tls_call c = { .fd = -1 }, *outer;
	struct tls_who who = {};
	__u64 cookie;
	bool nested, waits;

	if (!t)
		return 0;
	cookie = bpf_get_attach_cookie(regs);
	c.function = (__u16)cookie;
	c.sp = STACK(regs) + (cookie >> 16); /* as it was before the prologue */
	if (!tls_arguments(&c, regs))
		return 0;
	if (t->holds) /* the call before has not returned, and may never */
		tell_held(t, ATO_TLS_OUT, 0);
	if (ATO_TLS_SHAPE(c.function) == ATO_TLS_FREE)
		return tls_close(&c);
	if (is_go(c.function)) {
		who = goroutine(regs, c.function);
		outer = bpf_map_lookup_elem(&tls_calls, &who);
	} else {
		outer = t->call.function ? &t->call : NULL;
	}
	/* By another function of its library, which may never return: the reader finds that out. */
	nested = outer && outer->function != c.function && outer->object == c.object &&
		 c.sp <= outer->sp && writes(outer->function) == writes(c.function);
	c.flags = nested ? ATO_F_NESTED : 0;
	waits = !nested && !is_go(c.function) && c.size <= ATO_CHUNK_SMALL;
	if (!waits && writes(c.function))
		c.call = bpf_ktime_get_ns();
	if (outer && writes(c.function) && begins_anew(outer, &c)) {
		struct tls_call vain = *outer;

		vain.size = -1; /* nothing was taken by the first attempt */
		submit_tls(&vain, ATO_TLS_DONE);
	}
	if (!nested)
		keep(t, &c, &who);
	if (!writes(c.function) || only_counts(t, &c))
		return 0;
	if (waits)
		hold(t, sleeps);
	else
		submit_plaintext(&c, ATO_TLS_OUT, sleeps);
	return 0;
}

static __always_inline int tls_leave(struct pt_regs *regs, bool sleeps)
{
	struct tls_thread *t = thread_in_scope();
	struct tls_call c, *call;
	struct tls_who who;
	__u32 function;
	__s64 result;

	if (!t)
		return 0;
	function = (__u16)bpf_get_attach_cookie(regs);
	if (is_go(function)) {
		who = goroutine(regs, function);
		call = bpf_map_lookup_elem(&tls_calls, &who);
	} else {
		call = &t->call;
	}
	if (!call || call->function != function)
		return 0;
	c = *call;
	result = tls_result(&c, regs);
	if (writes(function) && result > 0) {
		carry(t, &c, result);
		tls_loosen(t, &c);
	}
	if (writes(function) && t->holds && !is_go(function)) {
		tell_held(t, ATO_TLS_WROTE, result);
	} else if (writes(function)) {
		c.size = result;
		submit_tls(&c, ATO_TLS_DONE);
	}
	if (is_go(function))
		bpf_map_delete_elem(&tls_calls, &who);
	else
		call->function = 0;
	if (writes(function) || result <= 0)
		return 0;
	if ((__u64)result < c.size)
		c.size = result;
	if (only_counts(t, &c))
		submit_tls(&c, ATO_TLS_COUNTED);
	else
		submit_plaintext(&c, ATO_TLS_IN, sleeps);
	carry(t, &c, c.size);
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
