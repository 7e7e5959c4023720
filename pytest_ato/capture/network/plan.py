"""The addresses of an audit's network, the same in every audit.

Owns the constants alone. Gateway and target use private addresses that look like any office's;
everything else, neighbours of the same subnet included, is answered by the gateway.
"""

from __future__ import annotations

TARGET4 = "192.168.50.23"
GATEWAY4 = "192.168.50.1"
PREFIX4 = 24

TARGET6 = "fd3c:5a1e:7d20:32::17"
GATEWAY6 = "fe80::1"
"""Link-local, on each audit's own link. The target's address has a prefix of 128 bits, so that
it sends packets for neighbours to the gateway too, which could not answer for their addresses."""

INTERFACE = "eth0"
"""The target's name for its end."""

TCP_PORT = 4000
"""Where the sinkhole listens inside the gateway; the rules bring every TCP connection there."""
DNS_PORT = 53

UPLINK = "uplink"
"""An open gateway's interface to the world."""
RESOLVER4 = "10.0.2.3"
"""Where an open gateway asks: the uplink passes it on to this machine's own resolver."""
MARK = 1
"""Of packets from a target in an open gateway: they are taken for local ones whatever they name."""
TABLE = 100
"""The routing table of such packets."""
