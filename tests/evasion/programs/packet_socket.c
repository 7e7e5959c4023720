// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Asks for a packet socket, to write whole frames to the interface.
 * Known from: BPFDoor, which listened and answered so below every firewall.
 * First: odd doors (socket, also when refused)
 * Second: the wire: flows without an owner
 */
#include "trick.h"

int main(void)
{
	if (socket(AF_PACKET, SOCK_RAW, htons(3)) < 0)
		blocked();
	performed();
}
