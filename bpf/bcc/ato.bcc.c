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
 * BCC takes one text: the build puts the headers of this folder in their places. The loader defines
 * CRITICAL_PAGES, BULK_PAGES and PLAIN_PAGES.
 */
#include "destinations.h"
#include "files.h"
#include "processes.h"
