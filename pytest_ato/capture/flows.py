"""Flows that the wire saw, as events."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Iterator

from pytest_ato.capture import abi, addresses
from pytest_ato.model.events import Flow

_KEY = abi.FLOW_KEY_LAYOUT.format
_COUNTS = abi.FLOW_LAYOUT.format


def decode(found: Iterable[tuple[bytes, bytes]]) -> Iterator[Flow]:
    """Turn a map's keys and values into events, all of the present time."""
    now = time.monotonic_ns()
    for key, counts in found:
        source, destination, sport, dport, protocol, family = _KEY.unpack(key)
        packets, size = _COUNTS.unpack(counts)
        length = 4 if family == socket.AF_INET else 16
        yield Flow(
            ts=now,
            protocol=addresses.protocol(0, protocol),
            client=addresses.ip_text(source[:length]),
            address=addresses.ip_text(destination[:length]),
            client_port=sport,
            port=dport,
            packets=packets,
            bytes=size,
        )
