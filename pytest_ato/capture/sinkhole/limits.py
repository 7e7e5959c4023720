"""Bounds on what one audit may make the sinkhole keep, record or wait for.

Owns the numbers alone. Whatever a target sends, memory stays below `CONNECTIONS` times one read
plus the fixed tables; what goes over a bound is counted and reported, never dropped in silence.
"""

from __future__ import annotations

CONNECTIONS = 1024
"""Open TCP connections at a time; one more is accepted, reset and reported as lost."""

TCP_OUT = 1 << 20
"""Bytes recorded of one connection from the target; the closing record has the whole count."""

TCP_IN = 64 << 10
"""Bytes recorded of one connection to the target."""

TLS_WIRE = 16 << 10
"""Bytes recorded of each direction of a connection whose plaintext the TLS proxy sees."""

TLS_OUT = 8 << 20
"""Bytes of plaintext recorded of one connection from the target; the rest is counted."""

TLS_IN = 256 << 10
"""Bytes of plaintext recorded of one connection to the target; the rest is counted."""

TCP_TOTAL = 64 << 20
"""Bytes recorded of all connections of one audit, plaintext of TLS included; the rest is counted
and reported as lost."""

ANSWERS = 8 << 20
"""Bytes of answers over TCP in one audit; after them the sinkhole listens in silence."""

PIECE = 32 << 10
"""Largest piece of payload in one event, so that a line of the log stays short."""

DATAGRAMS = 200_000
"""Packets recorded of one audit."""

DATAGRAM_TOTAL = 64 << 20
"""Payload bytes recorded of all packets of one audit."""

QUESTIONS = 100_000
"""DNS questions answered and recorded in one audit."""

NAMES = 65_536
"""Names that get an address of their own in one audit; later ones share one."""

PACKETS_IN_A_ROW = 256
"""Packets read before other sockets get their turn."""

GREETING_AFTER = 0.3
"""Seconds of a client's silence after which a protocol whose server speaks first begins."""

HALF_CLOSE_AFTER = 5.0
"""Seconds without traffic after which the sinkhole ends its own direction."""

CLOSE_AFTER = 60.0
"""Seconds without traffic after which a connection is given up."""

LINE = 1 << 20
"""Longest line between the sinkhole and capture: a piece as base64 (or escaped) and its frame."""
