// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The kernel side for kernels without BTF: compiled by BCC when a session starts. It shares nothing
 * with the other programs but the ABI, and reads nothing but the arguments of tracepoints (whose
 * layout BCC takes from the running kernel), the program's registers and its memory: no structure
 * of the kernel's own, so it needs kernel headers, but not those of exactly this kernel.
 *
 * Tracepoints of single system calls, because these are silent on 32-bit calls, whose numbers a
 * program without kernel structures could not tell from ours.
 *
 * The loader defines CRITICAL_PAGES and BULK_PAGES.
 */
#include "abi.h"
#include <asm/ptrace.h>
#include <asm/unistd.h>
#include <linux/errno.h>

#define CLONE_THREAD 0x00010000
#define USER32_CS 0x23
#define ENTRY_TEXT 256 /* bytes of a path, or of an address, that are read at entry */
#define MAX_PATH 4096
#define MAX_ADDR 128
#define MAX_ARGS 8192
#define MAX_MESSAGES 16
#define MAX_THREADS 65536
#define STRIDE 256
#define RING_HEADER 8
#define PATH_HEAD (sizeof(struct ato_path) - ATO_SHORT_TEXT)
#define SUBMIT BPF_RB_NO_WAKEUP /* the reader drains by time */

/* A system call between its entry and its exit. */
struct call {
	__u64 ptr; /* of the path, address or messages */
	__u64 value; /* flags; bytes to send */
	__s32 fd;
	__u32 arg;
	__u32 nr;
	__u32 len; /* bytes of text that were read, 0: none; of an address: its length */
	__u32 read; /* an address was read */
	__u32 pad;
	char text[ENTRY_TEXT];
};

/* An executed program until its call returns. */
struct image {
	__u32 nr; /* 0: not known */
	__u32 len; /* bytes of name with its NUL */
	char name[MAX_PATH];
};

/* How a process or thread ends, noted before it does. */
enum how {
	BY_GROUP, /* exit_group: of the process */
	BY_THREAD, /* exit: of the thread */
	BY_SIGNAL, /* the last signal that was sent to it */
};

struct ending {
	__u32 pid;
	__u32 how;
};

struct path_record {
	char bytes[PATH_HEAD + MAX_PATH + STRIDE];
};

struct exec_record {
	struct ato_exec r;
	char text[MAX_PATH + MAX_ARGS];
};

BPF_RINGBUF_OUTPUT(critical, CRITICAL_PAGES);
BPF_RINGBUF_OUTPUT(bulk, BULK_PAGES);
BPF_ARRAY(scope, struct ato_scope, 1);
BPF_PERCPU_ARRAY(counts, struct ato_counts, 1);
BPF_HASH(calls, __u64, struct call, 16384);
BPF_HASH(exec_calls, __u32, __u32, 16384); /* number of the call that a thread is in */
BPF_HASH(images, __u32, struct image, 512);
BPF_HASH(threads, __u32, __u64, MAX_THREADS); /* living ones, of processes that have had two */
BPF_TABLE("lru_hash", struct ending, __u32, endings, 16384);
BPF_PERCPU_ARRAY(path_scratch, struct path_record, 1);
BPF_PERCPU_ARRAY(exec_scratch, struct exec_record, 1);
BPF_PERCPU_ARRAY(image_scratch, struct image, 1);

/* --- scope, counts, headers ------------------------------------------------------------------ */

static __always_inline struct ato_scope *live_scope(void)
{
	int zero = 0;
	struct ato_scope *s = scope.lookup(&zero);

	return s && s->active ? s : NULL;
}

/* Whether the current task is in the audit's cgroup, which is inherited and kept until exit. */
static __always_inline bool in_cgroup(void)
{
	struct ato_scope *s = live_scope();

	return s && bpf_get_current_ancestor_cgroup_id(s->level) == s->cgroup;
}

static __always_inline bool in_scope(void)
{
	struct ato_scope *s = live_scope();
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;

	return s && in_cgroup() && tgid != s->ignore[0] && tgid != s->ignore[1];
}

static __always_inline void count_produced(int class)
{
	int zero = 0;
	struct ato_counts *c = counts.lookup(&zero);

	if (c)
		c->produced[class]++;
}

static __always_inline void count_lost(int class)
{
	int zero = 0;
	struct ato_counts *c = counts.lookup(&zero);

	if (c)
		c->lost[class]++;
}

/* An event of which not even a record could be begun. */
static __always_inline void count_missed(int class)
{
	count_produced(class);
	count_lost(class);
}

static __always_inline void count_flags(int class, __u16 flags)
{
	int zero = 0;
	struct ato_counts *c = counts.lookup(&zero);

	if (c && (flags & ATO_F_UNREAD))
		c->unread[class]++;
	if (c && (flags & ATO_F_TRUNCATED))
		c->truncated[class]++;
}

/* Bytes of a text of the program's with its NUL; up to 6.12 an empty one is told as 0. */
static __always_inline long read_text(char *text, __u32 size, const void *at)
{
	long n = bpf_probe_read_user_str(text, size, at);

	return n == 0 ? 1 : n;
}

static __always_inline void fill_header(struct ato_header *h, __u16 kind, __u16 flags)
{
	__u64 id = bpf_get_current_pid_tgid();

	h->ts = bpf_ktime_get_ns();
	h->tgid = id >> 32;
	h->tid = id;
	h->kind = kind;
	h->flags = flags;
	h->pad = 0;
}

/* --- processes ------------------------------------------------------------------------------- */

static __always_inline void forget_ending(__u32 pid, enum how how)
{
	struct ending e = { .pid = pid, .how = how };

	endings.delete(&e);
}

/* Only processes that have had a second thread are counted: most never have. */
static __always_inline int thread_started(__u32 tgid)
{
	__u64 *living = threads.lookup(&tgid), two = 2;

	if (living)
		lock_xadd(living, 1);
	else if (threads.update(&tgid, &two))
		count_missed(ATO_CRITICAL); /* the end of this process will not be told */
	return 0;
}

/*
 * Whether the thread that ends is its process's last. Two that end at once may both see 0, but
 * only one can take the entry away.
 */
static __always_inline bool is_last_thread(__u32 tgid)
{
	__u64 *living = threads.lookup(&tgid);

	if (!living)
		return true;
	lock_xadd(living, -1);
	return *living == 0 && threads.delete(&tgid) == 0;
}

/* sched_process_fork does not tell a process from a thread; this one has the flags. */
int ato_task_newtask(struct tracepoint__task__task_newtask *args)
{
	struct ato_fork *r;

	/* The sandbox's init is not ignored here: its child is the target's first process. */
	if (!in_cgroup())
		return 0;
	if (args->clone_flags & CLONE_THREAD)
		return thread_started(bpf_get_current_pid_tgid() >> 32);
	forget_ending(args->pid, BY_SIGNAL); /* sent to whoever had this number before */
	count_produced(ATO_CRITICAL);
	r = critical.ringbuf_reserve(sizeof(*r));
	if (!r) {
		count_lost(ATO_CRITICAL);
		return 0;
	}
	__builtin_memset(r, 0, sizeof(*r));
	r->child = args->pid;
	fill_header(&r->h, ATO_FORK, 0);
	critical.ringbuf_submit(r, SUBMIT);
	return 0;
}

static __always_inline int exec_enter(__u32 nr)
{
	__u32 tid = bpf_get_current_pid_tgid();

	if (in_scope() && exec_calls.update(&tid, &nr))
		count_missed(ATO_CRITICAL);
	return 0;
}

int ato_sys_enter_execve(struct tracepoint__syscalls__sys_enter_execve *args)
{
	return exec_enter(__NR_execve);
}

int ato_sys_enter_execveat(struct tracepoint__syscalls__sys_enter_execveat *args)
{
	return exec_enter(__NR_execveat);
}

/* The new image is in place. Its arguments are read when the call returns into it. */
int ato_sched_process_exec(struct tracepoint__sched__sched_process_exec *args)
{
	__u32 tid = bpf_get_current_pid_tgid(), old = args->old_pid, *nr;
	struct image *image;
	int zero = 0;
	long n;

	if (!in_scope())
		return 0;
	image = image_scratch.lookup(&zero);
	if (!image) {
		count_missed(ATO_CRITICAL);
		return 0;
	}
	nr = exec_calls.lookup(&old);
	image->nr = nr ? *nr : 0;
	n = bpf_probe_read_kernel_str(image->name, MAX_PATH,
				      (char *)args + (args->data_loc_filename & 0xffff));
	image->len = n > 0 ? n : 0;
	exec_calls.delete(&old);
	if (images.update(&tid, image))
		count_missed(ATO_CRITICAL);
	return 0;
}

static __always_inline __u64 read_word(__u64 at, bool wide)
{
	__u64 word = 0;

	if (wide)
		bpf_probe_read_user(&word, 8, (void *)at);
	else
		bpf_probe_read_user(&word, 4, (void *)at);
	return word;
}

/*
 * The arguments as they lie in the new image, whose stack begins with their number and addresses.
 * What the program gave to the call can't be relied on: its pages need not have been touched.
 */
static __always_inline __u64 append_args(struct exec_record *e, __u64 at, struct pt_regs *regs,
					 __u16 *flags)
{
	bool wide = regs->cs != USER32_CS;
	__u64 word = wide ? 8 : 4, sp = regs->sp, first, last, size;
	long n;

	if (at > MAX_PATH)
		return 0;
	first = read_word(sp + word, wide);
	last = read_word(sp + word * read_word(sp, wide), wide);
	n = read_text(e->text + at, MAX_ARGS, (void *)last);
	if (n <= 0 || last < first) {
		*flags |= ATO_F_UNREAD;
		return 0;
	}
	size = e->r.args = last - first + n;
	if (size > MAX_ARGS) {
		size = MAX_ARGS;
		*flags |= ATO_F_TRUNCATED;
	}
	asm volatile("" : "+r"(size));
	if (size > MAX_ARGS)
		return 0;
	if (bpf_probe_read_user(e->text + at, size, (void *)first)) {
		*flags |= ATO_F_UNREAD;
		return 0;
	}
	return size;
}

static __always_inline int submit_exec(const struct image *image, struct pt_regs *regs)
{
	struct exec_record *e;
	__u64 name, size;
	__u16 flags = 0;
	int zero = 0;

	count_produced(ATO_CRITICAL);
	e = exec_scratch.lookup(&zero);
	if (!e) {
		count_lost(ATO_CRITICAL);
		return 0;
	}
	__builtin_memset(&e->r, 0, sizeof(e->r));
	e->r.nlink = 1;
	e->r.uid = bpf_get_current_uid_gid();
	e->r.nr = image->nr;
	e->r.stdio_mode[0] = e->r.stdio_mode[1] = e->r.stdio_mode[2] = ATO_MODE_UNKNOWN;
	name = image->len;
	if (name > MAX_PATH)
		name = MAX_PATH;
	bpf_probe_read_kernel(e->text, name, image->name);
	e->r.len[0] = name;
	size = append_args(e, name, regs, &flags);
	e->r.len[2] = size;
	if (!name || !image->nr)
		flags |= ATO_F_UNREAD;
	count_flags(ATO_CRITICAL, flags);
	fill_header(&e->r.h, ATO_EXEC, flags);
	size += sizeof(e->r) + name;
	if (size > sizeof(*e) || critical.ringbuf_output(e, size, SUBMIT))
		count_lost(ATO_CRITICAL);
	return 0;
}

/* A raw tracepoint, because it comes with the registers, whose layout is part of ptrace's ABI. */
int ato_exec_return(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct pt_regs regs = {};
	struct image *image;

	if (!in_scope())
		return 0;
	image = images.lookup(&tid);
	if (!image)
		return 0;
	bpf_probe_read_kernel(&regs, sizeof(regs), (void *)ctx->args[0]);
	submit_exec(image, &regs);
	images.delete(&tid);
	return 0;
}

static __always_inline void note_ending(__u32 pid, enum how how, __u32 code)
{
	struct ending e = { .pid = pid, .how = how };

	endings.update(&e, &code);
}

int ato_sys_enter_exit_group(struct tracepoint__syscalls__sys_enter_exit_group *args)
{
	if (in_scope())
		note_ending(bpf_get_current_pid_tgid() >> 32, BY_GROUP,
			    (args->error_code & 0xff) << 8);
	return 0;
}

int ato_sys_enter_exit(struct tracepoint__syscalls__sys_enter_exit *args)
{
	if (in_scope())
		note_ending(bpf_get_current_pid_tgid(), BY_THREAD, (args->error_code & 0xff) << 8);
	return 0;
}

/* Signals that end nothing unless a program wants it: CHLD, CONT, stops, URG, WINCH. */
#define HARMLESS (1 << 17 | 1 << 18 | 1 << 19 | 1 << 20 | 1 << 21 | 1 << 22 | 1 << 23 | 1 << 28)

/*
 * The signal that a process dies of is told where it is sent: at its delivery the kernel has
 * already made a SIGKILL of it. Senders are outside, too, so this one is not scoped.
 */
int ato_signal_generate(struct tracepoint__signal__signal_generate *args)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 pid = args->pid, sig = args->sig;

	if (!live_scope() || args->result || sig == 0 || sig > 64 ||
	    (sig < 32 && (HARMLESS & (1 << sig))))
		return 0;
	note_ending(pid == (__u32)id ? id >> 32 : pid, BY_SIGNAL, sig);
	return 0;
}

static __always_inline __u32 exit_code(__u32 tgid, __u32 tid)
{
	struct ending e = { .pid = tgid, .how = BY_GROUP };
	__u32 *code = endings.lookup(&e);

	if (!code) {
		e.pid = tid;
		e.how = BY_THREAD;
		code = endings.lookup(&e);
	}
	if (!code) {
		e.how = BY_SIGNAL;
		code = endings.lookup(&e);
	}
	if (!code) {
		e.pid = tgid;
		code = endings.lookup(&e);
	}
	return code ? *code : 0;
}

int ato_sched_process_exit(struct tracepoint__sched__sched_process_exit *args)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 tgid = id >> 32, tid = id, code;
	struct ato_exit *r;

	if (!in_scope())
		return 0;
	calls.delete(&id);
	exec_calls.delete(&tid);
	images.delete(&tid);
	code = exit_code(tgid, tid);
	forget_ending(tid, BY_THREAD);
	if (!is_last_thread(tgid))
		return 0;
	forget_ending(tgid, BY_GROUP);
	forget_ending(tgid, BY_SIGNAL);
	count_produced(ATO_CRITICAL);
	r = critical.ringbuf_reserve(sizeof(*r));
	if (!r) {
		count_lost(ATO_CRITICAL);
		return 0;
	}
	r->code = code;
	r->pad = 0;
	fill_header(&r->h, ATO_EXIT, 0);
	critical.ringbuf_submit(r, SUBMIT);
	return 0;
}

/* --- files ----------------------------------------------------------------------------------- */

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

/* --- destinations ---------------------------------------------------------------------------- */

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

	count_produced(ATO_CRITICAL);
	r = critical.ringbuf_reserve(sizeof(*r));
	if (!r) {
		count_lost(ATO_CRITICAL);
		return;
	}
	__builtin_memset(r, 0, sizeof(*r));
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
