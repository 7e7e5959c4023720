// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Makes a network namespace of its own, where raw sockets are allowed.
 * Known from: unprivileged user namespaces as the door to kernel code that only root could reach.
 * First: odd doors (unshare, socket)
 * Second: the wire of the audit stays silent: what happens in there can't get out
 */
#include "trick.h"

int main(void)
{
	own_namespaces(CLONE_NEWNET);
	if (socket(AF_PACKET, SOCK_RAW, htons(3)) < 0)
		blocked();
	performed();
}
