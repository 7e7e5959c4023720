"""What the TLS proxy adds to the time until a client has its answer's first byte."""

from __future__ import annotations

import statistics

import tls_programs
from measure import Sample, alternate
from programs import Place
from results import Figure, Row

REQUESTS = 12
ROUNDS = 5
SCRIPT = tls_programs.SOURCES / "first_byte.sh"
LOOPBACK = "https://127.0.0.1:4433/"


def figure(place: Place) -> Figure:
    """Milliseconds from the end of the name's resolution, each by a connection of its own."""
    tls_programs.build(place)
    first: list[float] = []

    def through_proxy() -> float:
        times = _times(place, "https://first.example/", "")
        first.append(times[0])
        return statistics.median(times[1:])

    found = alternate(
        {
            "direct": lambda: statistics.median(_times(place, LOOPBACK, "/srv")),
            "clear": lambda: statistics.median(_times(place, "http://first.example/", "")),
            "proxy": through_proxy,
        },
        ROUNDS,
    )
    added = found["proxy"].minus(found["direct"])
    rows = [
        Row(case="TLS to a server on loopback, in an audit", value=found["direct"], unit="ms"),
        Row(case="without TLS, to the sinkhole", value=found["clear"], unit="ms"),
        Row(case="TLS through the proxy to the sinkhole", value=found["proxy"], unit="ms"),
        Row(case="the proxy adds", value=added, unit="ms"),
        Row(
            case="the first connection of a session, which the proxy starts for",
            value=Sample(tuple(first[1:])),
            unit="ms",
        ),
    ]
    title = "From a request over TLS to its answer's first byte"
    return Figure(name="proxy", title=title, rows=rows)


def _times(place: Place, url: str, folder: str) -> list[float]:
    found = tls_programs.audit_script(place, SCRIPT, REQUESTS, url, folder)
    lines = [line.split() for line in found.stdout().splitlines()]
    assert len(lines) == REQUESTS
    return [(float(answer) - float(name)) * 1000 for name, answer in lines]
