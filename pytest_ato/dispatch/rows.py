"""One flow as a row of evidence: masked, with the keyed digest that stands for what was masked.

Owns columns and masking: the evidence view (`evidence.coarse`) of what the map holds, made from its
bytes because tens of thousands come at once; a test compares the two. A row is canonical JSON.

A row says what was counted of a flow *since* its entry in the map was made, not since the row
before. So a row that is written twice counts once, and one that was never written is made good by
the next; `tally` has the rule for adding them up.
"""

from __future__ import annotations

import hmac
import json
import socket
from functools import lru_cache
from typing import Final

from pytest_ato.capture import addresses, flowabi
from pytest_ato.capture.flowabi import Totals
from pytest_ato.evidence.canonical import EXACT
from pytest_ato.evidence.coarse import V4_PREFIX, V6_PREFIX

COLUMNS: Final = (
    "flow",
    "interface",
    "protocol",
    "vlan",
    "inner_vlan",
    "source",
    "source_port",
    "destination",
    "destination_port",
    "since_us",
    "last_us",
    "packets_out",
    "packets_in",
    "bytes_out",
    "bytes_in",
    "tcp_flags_out",
    "tcp_flags_in",
)
"""`flow`: the keyed digest of all that tells flows apart; times: ``CLOCK_MONOTONIC``; `out`: into
the interface, sent by what lies behind it; ports are masked, so 0."""

_DIGITS: Final = 16
"""Bytes of the digest: 2^64 flows until two are likely to share one."""
_V4: Final = 4
_CACHED: Final = 65536


def masked(key: bytes, secret: bytes) -> bytes:
    """Return the columns of a flow that never change, as JSON without the bracket."""
    saddr, daddr, _, _, vlan, inner, family, protocol, interface = flowabi.KEY.unpack(key)
    digest = hmac.digest(secret, key, "sha256")[:_DIGITS].hex()
    return b'["%b",%d,"%b",%d,%d,"%b",0,"%b",0,' % (
        digest.encode(),
        interface,
        _protocol(protocol),
        vlan,
        inner,
        _network(saddr[: V4_PREFIX // 8] if family == socket.AF_INET else saddr[: V6_PREFIX // 8]),
        _network(daddr[: V4_PREFIX // 8] if family == socket.AF_INET else daddr[: V6_PREFIX // 8]),
    )


def row(flow: bytes, since: int, totals: Totals) -> bytes:
    """Return a row: of a flow as `masked` gives it; `since` in ns."""
    out, into, bytes_out, bytes_in, _, last, flags_out, flags_in = totals
    if out > EXACT or into > EXACT or bytes_out > EXACT or bytes_in > EXACT:
        numbers = (json.dumps(n if n <= EXACT else str(n)).encode() for n in totals[:4])
        counted = b",".join(numbers)
    else:
        counted = b"%d,%d,%d,%d" % (out, into, bytes_out, bytes_in)
    return flow + b"%d,%d,%b,%d,%d]" % (since // 1000, last // 1000, counted, flags_out, flags_in)


@lru_cache(_CACHED)
def _network(prefix: bytes) -> bytes:
    """A network by the bytes of its prefix, in JSON's and everybody's form."""
    if len(prefix) < _V4:
        return f"{addresses.ip_text(prefix.ljust(_V4, bytes(1)))}/{V4_PREFIX}".encode()
    return f"{socket.inet_ntop(socket.AF_INET6, prefix.ljust(16, bytes(1)))}/{V6_PREFIX}".encode()


@lru_cache(256)
def _protocol(number: int) -> bytes:
    return (addresses.protocol(0, number) or "ip-0").encode()
