"""Flows that the wire saw, as events."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from pytest_ato.capture import flowabi
from pytest_ato.model.events import Flow


def decode(found: Iterable[tuple[bytes, bytes]]) -> Iterator[Flow]:
    """Turn a map's keys and per-CPU values into events, all of the present time."""
    now = time.monotonic_ns()
    for data, values in found:
        key = flowabi.key(data)
        totals = flowabi.totals(list(flowabi.VALUE.iter_unpack(values)))
        is_icmp = key.protocol in flowabi.ICMP
        yield Flow(
            ts=now,
            protocol=key.protocol,
            client=key.source,
            address=key.destination,
            client_port=key.source_port,
            port=0 if is_icmp else key.destination_port,
            icmp=key.destination_port if is_icmp else None,
            packets=totals.packets_out,
            bytes=totals.bytes_out,
            flags=totals.flags_out,
        )
