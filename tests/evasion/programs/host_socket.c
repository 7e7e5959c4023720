// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Asks for a vsock, which leads from a virtual machine to its host past every interface.
 * Known from: vsock(7): no network namespace holds it, no packet filter sees it.
 * First: odd doors (socket, also when refused)
 * Second: none; so the program only asks for the socket, and connects to nobody
 */
#include "trick.h"

int main(void)
{
	if (socket(AF_VSOCK, SOCK_STREAM, 0) < 0)
		blocked();
	performed();
}
