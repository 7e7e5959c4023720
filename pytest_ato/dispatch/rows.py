"""One flow as a row of evidence: masked, with the keyed digest that stands for what was masked.

Owns columns and masking: the evidence view (`evidence.coarse`) of what the map holds, made from its
bytes because tens of thousands come at once; a test compares the two. A row is canonical JSON.

A row says what was counted of a flow *since* its entry in the map was made, not since the row
before. So a row that is written twice counts once, and one that was never written is made good by
the next; `tally` has the rule for adding them up.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
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

SECRET: Final = 16
"""Bytes of the secret that digests are made with: with a key of the map, one block of SHA-256."""
_DIGITS: Final = 16
"""Bytes of the digest: 2^64 flows until two are likely to share one."""
_V4, _V6 = V4_PREFIX // 8, V6_PREFIX // 8
_CACHED: Final = 65536
_ROW: Final = b'["%b",%d,"%b",%d,%d,"%b",0,"%b",0,%d,%d,%b,%d,%d]'


class Rows:
    """Makes rows whose digests are made with one secret.

    A digest is the SHA-256 of secret and key, cut to half: of inputs that all have one length, and
    cut, that is as good as an HMAC, in a quarter of the time.
    """

    def __init__(self, secret: bytes) -> None:
        assert len(secret) == SECRET
        self._secret = secret

    def row(self, key: bytes, since: int, totals: Totals) -> bytes:
        """Return the row of a flow by its key in the map; `since`: ns."""
        saddr, daddr, _, _, vlan, inner, family, protocol, interface = flowabi.KEY.unpack(key)
        shown = _V4 if family == socket.AF_INET else _V6
        return _ROW % (
            sha256(self._secret + key).digest()[:_DIGITS].hex().encode(),
            interface,
            _protocol(protocol),
            vlan,
            inner,
            _network(saddr[:shown]),
            _network(daddr[:shown]),
            since // 1000,
            totals.last // 1000,
            _numbers(totals[:4]) if max(totals[:4]) > EXACT else b"%d,%d,%d,%d" % totals[:4],
            totals.flags_out,
            totals.flags_in,
        )


def _numbers(values: Iterable[int]) -> bytes:
    """As canonical JSON has them, where larger integers are strings."""
    return b",".join(b"%d" % each if each <= EXACT else b'"%d"' % each for each in values)


@lru_cache(_CACHED)
def _network(prefix: bytes) -> bytes:
    """A network by the bytes of its prefix."""
    if len(prefix) == _V4:
        return f"{addresses.ip_text(prefix + bytes(4 - _V4))}/{V4_PREFIX}".encode()
    return f"{addresses.ip_text(prefix + bytes(16 - _V6))}/{V6_PREFIX}".encode()


@lru_cache(256)
def _protocol(number: int) -> bytes:
    return (addresses.protocol(0, number) or "ip-0").encode()
