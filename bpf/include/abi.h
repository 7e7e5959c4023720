/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The ABI between the kernel side and pytest_ato/capture/abi.py: every record that crosses a ring
 * and every value of a shared map. A test compiles this header and compares each size and offset
 * with the Python side. Plain C with fixed-width types, so that it compiles for both.
 */
#ifndef ATO_ABI_H
#define ATO_ABI_H

#include <linux/types.h>

#define ATO_ABI_VERSION 1

/* Classes of events; each has a ring and its own counts. */
#define ATO_CRITICAL 0
#define ATO_BULK 1
#define ATO_PLAIN 2 /* plaintext of TLS */
#define ATO_CLASSES 3

enum ato_kind {
	ATO_FORK = 1,
	ATO_EXEC = 2,
	ATO_EXIT = 3,
	ATO_PATH = 4, /* a system call on one or two paths; bulk */
	ATO_MAP = 5, /* executable memory; struct ato_path; bulk */
	ATO_MEMFD = 6, /* struct ato_path */
	ATO_ADDR = 7, /* connect, bind, or a send with an address */
	ATO_STATE = 8, /* TCP state change */
	ATO_DOOR = 9, /* another way into the kernel; bulk */
	ATO_TLS = 10, /* a call of a TLS library; plain */
};

/* Flags of a record. */
#define ATO_F_UNREAD 0x01 /* a user value could be read neither at entry nor at exit */
#define ATO_F_TRUNCATED 0x02 /* longer than its buffer */
#define ATO_F_CHANGED 0x04 /* the path at exit is not the path at entry */
#define ATO_F_FILE 0x08 /* text[2] is the opened file, not the directory that text[0] starts at */
#define ATO_F_KERNEL 0x10 /* the address is the kernel's copy, not the program's */
#define ATO_F_NESTED 0x20 /* the call was made within another of the same handle */

struct ato_header {
	__u64 ts; /* CLOCK_MONOTONIC, ns */
	__u32 tgid;
	__u32 tid;
	__u16 kind;
	__u16 flags;
	__u32 pad;
};

struct ato_fork {
	struct ato_header h;
	__u32 child;
	__u32 inner; /* the child's pid in its own namespace */
};

struct ato_exit {
	struct ato_header h;
	__u32 code; /* as wait(2) has it: signal | status << 8 */
	__u32 pad;
};

/*
 * Texts follow each other without gaps. text[0]: the path as given. text[1]: the second path.
 * text[2], text[3]: the directories that these are relative to (or, with ATO_F_FILE, text[2] is
 * the opened file): components from the leaf up to the root, each ended by a NUL.
 */
#define ATO_TEXTS 4
#define ATO_SHORT_TEXT 168

struct ato_path {
	struct ato_header h;
	__s64 ret;
	__u64 ino;
	__u64 value; /* open flags; length of a mapping, truncation */
	__u32 dev; /* the kernel's: major << 20 | minor */
	__u32 nlink;
	__s32 dfd; /* descriptor that text[0] is relative to, or that is mapped */
	__s32 dfd2; /* the same for text[1]; flags of a mapping */
	__u32 arg; /* mode; protection of a mapping; flags of memfd_create, unlinkat */
	__u16 nr;
	__u16 pad;
	__u16 len[ATO_TEXTS];
	char text[ATO_SHORT_TEXT]; /* more in a longer record, whose stride is a multiple of 256 */
};

#define ATO_EXEC_TEXTS 3
#define ATO_MODE_UNKNOWN 0xffff /* what the descriptor is was not read */
/*
 * text[0]: the name given to the kernel; text[1]: the image, leaf first, or nothing where it was
 * not read; text[2]: arguments.
 */
struct ato_exec {
	struct ato_header h;
	__u64 ino;
	__u64 args; /* bytes of the whole argument block */
	__u32 dev;
	__u32 nlink;
	__u32 ppid;
	__u32 uid;
	__u32 inner; /* pid in its own namespace */
	__u16 stdio_mode[3]; /* S_IFMT bits of descriptors 0 to 2; 0: closed */
	__u16 stdio_family[3]; /* of a socket */
	__u16 stdio_protocol[3]; /* of a socket */
	__u16 nr; /* execve or execveat */
	__u32 stdio_rdev[3]; /* of a device */
	__u16 len[ATO_EXEC_TEXTS];
	__u16 pad;
	__u32 pad2; /* the texts follow */
};

struct ato_addr {
	struct ato_header h;
	__s64 ret;
	__u64 cookie;
	__u64 size; /* bytes to send */
	__s32 fd;
	__u16 nr;
	__u16 family; /* of the socket */
	__u16 type;
	__u16 protocol;
	__u16 addr_len;
	__u16 pad;
	__u8 addr[128]; /* a struct sockaddr of addr_len bytes */
};

struct ato_state {
	struct ato_header h;
	__u64 cookie;
	__u16 family;
	__u16 lport;
	__u16 dport; /* both in host order */
	__u8 oldstate;
	__u8 newstate;
	__u8 saddr[16];
	__u8 daddr[16];
};

/* ATO_DOOR: what is in `what`. */
#define ATO_DOOR_CALL 1 /* a system call */
#define ATO_DOOR_COMPAT 2 /* a 32-bit or x32 system call; nr is in that ABI's numbers */
#define ATO_DOOR_URING 3 /* a submitted io_uring operation; nr is its opcode */
#define ATO_DOOR_RIGHTS 4 /* a descriptor passed over a socket */

#define ATO_DOOR_ARGS 5
#define ATO_DOOR_TEXT 152

/* As long as a short ato_path, so that the bulk ring keeps its stride. */
struct ato_door {
	struct ato_header h;
	__s64 ret;
	__u64 args[ATO_DOOR_ARGS];
	__u64 ino; /* of the file that it is about */
	__u32 dev;
	__u32 what;
	__u32 nr;
	__u32 len; /* bytes of text */
	char text[ATO_DOOR_TEXT]; /* io_uring: a path, or a struct sockaddr */
};

/*
 * A watched function, 16 bits: which it is (5), its library (3), the shape of its arguments and
 * result (7), whether it writes (1). The cookie of a uprobe is one, with the bytes above it that the stack has grown by since
 * the function's first instruction.
 */
#define ATO_TLS_WRITES 1
#define ATO_TLS_SHAPE(function) ((function) & 0xfe)
#define ATO_TLS_INT 0x02 /* int f(handle, buffer, int size) */
#define ATO_TLS_EX 0x04 /* int f(handle, buffer, size_t size, size_t *count): 1 is success */
#define ATO_TLS_EX2 0x06 /* int f(handle, buffer, size_t size, u64 flags, size_t *count) */
#define ATO_TLS_SIZE 0x08 /* ssize_t f(handle, buffer, size_t size) */
#define ATO_TLS_NSPR 0x0a /* as ATO_TLS_INT, on a PRFileDesc */
#define ATO_TLS_GO 0x0c /* arguments and results in Go's registers */
#define ATO_TLS_GO_STACK 0x0e /* on the stack, before Go 1.17 */
#define ATO_TLS_FREE 0x10 /* the handle's end */
#define ATO_TLS_OPENSSL 0x100
#define ATO_TLS_GNUTLS 0x200
#define ATO_TLS_NSS 0x300
#define ATO_TLS_GOLANG 0x400
#define ATO_TLS_CANARY 0x500

/* ATO_TLS: what is told. */
#define ATO_TLS_OUT 1 /* a piece of what is to be written */
#define ATO_TLS_DONE 2 /* the write returned `size` */
#define ATO_TLS_IN 3 /* a piece of what was read */
#define ATO_TLS_CLOSED 4 /* the handle is given back */
#define ATO_TLS_SOCKET 5 /* what was written into memory is sent on this socket */
#define ATO_TLS_COUNTED 6 /* `size` bytes were read, none of which is told */
#define ATO_TLS_WROTE 7 /* ATO_TLS_OUT of all there was to write, and ATO_TLS_DONE, in one */

#define ATO_CHUNK 16384 /* bytes of a buffer in one record: a TLS record's */
#define ATO_CHUNK_MIDDLE 2048
#define ATO_CHUNK_SMALL 128

struct ato_tls {
	struct ato_header h;
	__u64 object; /* the library's handle of the connection */
	__u64 call; /* of one call; unique with tgid and object; 0: told in this record alone */
	__u64 cookie; /* of the socket; 0: not known */
	__u64 size; /* bytes of the whole call; of ATO_TLS_DONE and _WROTE: its result, signed */
	__u64 at; /* of this piece in the buffer; of ATO_TLS_WROTE: bytes of the whole call */
	__s32 fd; /* of the socket; -1: not known */
	__u32 len; /* bytes of this piece, which follow; the record may have room for more */
	__u16 function;
	__u16 what;
	__u32 pad;
};

/* Value of the map `scope`: which audit is live. */
struct ato_scope {
	__u64 cgroup; /* id of the audit's cgroup */
	__u32 level; /* its depth below the root of the v2 hierarchy */
	__u32 netns; /* inode of the target's network namespace; 0: none */
	__u32 ignore[2]; /* thread groups in the cgroup that are ours */
	__u32 active;
	__u32 generation; /* distinguishes audits of one session */
};

/* Value of the per-CPU map `counts`. */
struct ato_counts {
	__u64 produced[ATO_CLASSES];
	__u64 lost[ATO_CLASSES];
	__u64 unread[ATO_CLASSES];
	__u64 truncated[ATO_CLASSES];
	__u64 coalesced[ATO_CLASSES];
};

#endif
