/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What differs by processor: where a system call's number and arguments are, and whose numbers they
 * are. The arm64 half compiles; it has never run.
 */
#ifndef ATO_ARCH_H
#define ATO_ARCH_H

#include <linux/types.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

#if defined(__TARGET_ARCH_x86)

struct pt_regs {
	unsigned long di, si, dx, cx, r10, r8, r9, orig_ax;
	unsigned long ax, bx, r14, sp;
};

struct thread_struct {
	unsigned long fsbase;
};

struct thread_info {
	__u32 status;
};

#define ARG1(regs) ((regs)->di)
#define ARG2(regs) ((regs)->si)
#define ARG3(regs) ((regs)->dx)
#define ARG4(regs) ((regs)->r10)
#define ARG5(regs) ((regs)->r8)
#define ARG6(regs) ((regs)->r9)
#define CALL_NUMBER(regs) ((regs)->orig_ax)

/* Of a function: by the C calling convention, and by Go's own. */
#define CARG1(regs) ((regs)->di)
#define CARG2(regs) ((regs)->si)
#define CARG3(regs) ((regs)->dx)
#define CARG4(regs) ((regs)->cx)
#define CARG5(regs) ((regs)->r8)
#define CRESULT(regs) ((regs)->ax)
#define STACK(regs) ((regs)->sp)
#define GO_ARG1(regs) ((regs)->ax)
#define GO_ARG2(regs) ((regs)->bx)
#define GO_ARG3(regs) ((regs)->cx)
#define GOROUTINE(regs) ((regs)->r14)
#define THREAD_POINTER(task) ((task)->thread.fsbase)

/* Calls of the 32-bit ABI and of x32 have other numbers. */
#define TS_COMPAT 2
#define X32_BIT 0x40000000
#define OTHER_ABI(thread, nr) (((thread).status & TS_COMPAT) || ((nr) & X32_BIT))

#elif defined(__TARGET_ARCH_arm64)

struct pt_regs {
	__u64 regs[31];
	__u64 sp;
	__s32 syscallno;
};

struct thread_struct {
	unsigned long tp_value;
};

struct thread_info {
	unsigned long flags;
};

#define ARG1(r) ((r)->regs[0])
#define ARG2(r) ((r)->regs[1])
#define ARG3(r) ((r)->regs[2])
#define ARG4(r) ((r)->regs[3])
#define ARG5(r) ((r)->regs[4])
#define ARG6(r) ((r)->regs[5])
#define CALL_NUMBER(r) ((unsigned long)(r)->syscallno)

#define CARG1(r) ((r)->regs[0])
#define CARG2(r) ((r)->regs[1])
#define CARG3(r) ((r)->regs[2])
#define CARG4(r) ((r)->regs[3])
#define CARG5(r) ((r)->regs[4])
#define CRESULT(r) ((r)->regs[0])
#define STACK(r) ((r)->sp)
#define GO_ARG1(r) ((r)->regs[0])
#define GO_ARG2(r) ((r)->regs[1])
#define GO_ARG3(r) ((r)->regs[2])
#define GOROUTINE(r) ((r)->regs[28])
#define THREAD_POINTER(task) ((task)->thread.tp_value)

#define TIF_32BIT 22
#define OTHER_ABI(thread, nr) ((thread).flags & (1UL << TIF_32BIT))

#else
#error "only x86 and arm64 are known"
#endif

#pragma clang attribute pop

#endif
