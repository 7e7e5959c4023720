// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Asks the kernel for its list of BPF programs.
 * Known from: bpftool prog, and malware that looks for sensors before it acts.
 * First: odd doors (bpf, also when refused)
 * Second: none
 */
#include "trick.h"
#include <linux/bpf.h>

int main(void)
{
	union bpf_attr attr = {};

	if (syscall(SYS_bpf, BPF_PROG_GET_NEXT_ID, &attr, sizeof(attr)))
		blocked();
	performed();
}
