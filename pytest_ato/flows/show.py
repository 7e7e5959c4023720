"""Flows in words: a table for people, records for programs.

Owns columns, units and names of fields. Prints nothing. All that it shows are numbers and addresses
that we formatted ourselves, so nothing needs an escape but the names of interfaces.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from pytest_ato.capture.flowabi import ICMP, Counts, FlowKey, Spike, Totals
from pytest_ato.flows.flowmap import wall_clock
from pytest_ato.model.octets import show

_FLAGS: Final = "FSRPAUEC"
"""FIN, SYN, RST, PSH, ACK, URG, ECE, CWR, from the lowest bit on."""
_UNITS: Final = ("", "k", "M", "G", "T", "P", "E")


def flow_record(key: FlowKey, totals: Totals, names: Mapping[int, str]) -> dict[str, Any]:
    """A flow as one JSON object; times are UTC."""
    return {
        "kind": "flow",
        **key._asdict(),
        "interface": names.get(key.interface, f"#{key.interface}"),
        **totals._asdict(),
        "first": timestamp(totals.first),
        "last": timestamp(totals.last),
        "flags_out": flags(totals.flags_out),
        "flags_in": flags(totals.flags_in),
    }


def counts_record(counts: Counts, flows: int, max_flows: int) -> dict[str, Any]:
    """What made no flow, and how full the map is, as one JSON object."""
    return {"kind": "counts", "flows": flows, "max_flows": max_flows, **counts._asdict()}


def spike_record(spike: Spike) -> dict[str, Any]:
    """A hint as one JSON object."""
    return {"kind": "spike", **spike._asdict(), "ts": timestamp(spike.ts)}


def table(
    rows: Iterable[tuple[FlowKey, Totals]], names: Mapping[int, str], seconds: float = 0
) -> list[str]:
    """Rows of flows under a heading: totals, or rates when they came in so many `seconds`."""
    per = "/s" if seconds else ""
    heading = ("interface", "proto", "from", "to", f"out{per}", f"in{per}", "packets", "flags")
    lines: list[tuple[str, ...]] = [heading]
    for key, totals in rows:
        amounts = (totals.bytes_out, totals.bytes_in)
        packets = totals.packets_out + totals.packets_in
        lines.append(
            (
                show(names.get(key.interface, f"#{key.interface}"), 16),
                key.protocol,
                _end(key, key.source, key.source_port),
                _end(key, key.destination, key.destination_port),
                *(size(amount / seconds if seconds else amount) for amount in amounts),
                size(packets / seconds if seconds else packets, ""),
                flags(totals.flags_out | totals.flags_in),
            )
        )
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  ".join(map(_padded, line, widths, range(len(line)))).rstrip() for line in lines]


def summary(counts: Counts, flows: int, max_flows: int) -> str:
    """One line under a table."""
    text = f"{flows:,} of {max_flows:,} flows"
    if counts.full:
        text += f", MAP FULL: {counts.full:,} packets ({size(counts.full_bytes)}) are in no flow"
    if counts.malformed:
        text += f", {counts.malformed:,} malformed packets"
    if counts.other:
        text += f", {counts.other:,} of no IP"
    if counts.spikes or counts.spikes_untold:
        text += f", {counts.spikes:,} spikes"
    return text


def spike_text(spike: Spike) -> str:
    """A hint in words."""
    which = "sends" if spike.direction == "out" else "is sending, to here,"
    return f"spike: {spike.source} {which} some {spike.packets:,} packets a second on one processor"


def timestamp(monotonic: int) -> str:
    """A time of the map's as UTC, to the millisecond."""
    moment = datetime.fromtimestamp(wall_clock(monotonic) / 1e9, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def flags(bits: int) -> str:
    """Letters of TCP flags."""
    return "".join(letter for bit, letter in enumerate(_FLAGS) if bits >> bit & 1)


def size(amount: float, unit: str = "B") -> str:
    """A number with three digits and a decimal prefix."""
    for prefix in _UNITS:
        if amount < 1000 or prefix == _UNITS[-1]:
            digits = 0 if not prefix or amount >= 100 else 1
            return f"{amount:.{digits}f} {prefix}{unit}".rstrip()
        amount /= 1000
    raise AssertionError


def _end(key: FlowKey, address: str, port: int) -> str:
    """One end of a flow, such as ``192.0.2.1:443`` or ``[2001:db8::1]:443``."""
    if not port:
        return address
    if key.protocol in ICMP:
        return f"{address} {port >> 8}/{port & 0xFF}"
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _padded(text: str, width: int, column: int) -> str:
    return text.rjust(width) if 4 <= column <= 6 else text.ljust(width)
