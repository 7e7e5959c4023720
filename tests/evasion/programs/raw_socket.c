// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Asks for a raw socket, to send packets that no socket table shows.
 * Known from: scanners and backdoors that build their packets themselves.
 * First: odd doors (socket, also when refused)
 * Second: the wire: flows without an owner
 */
#include "trick.h"

int main(void)
{
	if (socket(AF_INET, SOCK_RAW, IPPROTO_TCP) < 0)
		blocked();
	performed();
}
