"""What watching costs a write inside TLS, and whether all of it is seen."""

from __future__ import annotations

import base64
from collections.abc import Callable

import tls_programs
from added import Added
from measure import Sample, alternate
from peers import Peer, working
from programs import Audited, Place, audit, run
from results import Figure, Goal, Row

WRITES, SIZE = 50_000, 64
PEER_WRITES = 10_000
"""For those that take tens of microseconds for each."""
TOTAL = 1 << 20
ROUNDS = 9
GOAL, SEEN_GOAL = 0.2, 0.999
PEERS: dict[str, Peer] = {
    "bpftrace": tls_programs.bpftrace,
    "sslsniff": lambda *words: tls_programs.sniffer(*words)[0],
}


def figure(place: Place) -> Figure:
    """Microseconds of `SSL_write` by the target's own clock, less those that nobody watches."""
    tls_programs.build(place)
    peers, notes = working(PEERS, place, 10, SIZE)
    lost = dict.fromkeys(peers, 0)

    def watched(name: str) -> Callable[[], float]:
        def once() -> float:
            found = peers[name](place, PEER_WRITES, SIZE)
            lost[name] += found.lost or 0
            return float(found.output) / PEER_WRITES * 1e6

        return once

    def bare() -> float:
        return float(run((place.target("writes"), str(WRITES), str(SIZE)), place)) / WRITES * 1e6

    cases = {"bare": bare, "ato": lambda: _audited(place), **{n: watched(n) for n in peers}}
    added = Added.over_bare(alternate(cases, ROUNDS))
    told = {
        name: [
            f"{PEER_WRITES:,} writes",
            *([f"{lost[name]:,} lost"] if lost[name] else []),
        ]
        for name in peers
    }
    goals = [added.goal("bpftrace", GOAL)] if "bpftrace" in peers else []
    seen = _seen(place)
    shares = [Row(case=f"ato sees of {TOTAL:,} bytes", value=seen, unit="of 1", note="odd sizes")]
    if "sslsniff" in peers:
        _, sniffed = tls_programs.sniffer(place, TOTAL, "odd")
        shares.append(Row(case="sslsniff sees", value=Sample((sniffed / TOTAL,)), unit="of 1"))
    met = min(seen.values) >= SEEN_GOAL
    return Figure(
        name="tls",
        title=f"What watching adds to an SSL_write of {SIZE} bytes, {WRITES:,} times",
        rows=[*added.rows("the whole write", told), *shares],
        goals=[*goals, Goal(text=f"at least {SEEN_GOAL} of the plaintext is seen", met=met)],
        notes=notes,
    )


def _audited(place: Place) -> float:
    found = audit(place, "writes", WRITES, SIZE)
    assert _plaintext(found) == WRITES * SIZE
    return float(found.stdout()) / WRITES * 1e6


def _seen(place: Place) -> Sample:
    """Share of the bytes that the log has; what it lacks is counted as lost."""
    shares = []
    for _ in range(ROUNDS):
        found = audit(place, "writes", TOTAL, "odd")
        seen = _plaintext(found)
        assert seen == TOTAL or tls_programs.lost(found)
        shares.append(seen / TOTAL)
    return Sample(tuple(shares))


def _plaintext(found: Audited) -> int:
    """Bytes of what was sent, as the log has them."""
    sent = (event for event in found.events("tls") if event["direction"] == "out")
    return sum(_size(event["data"]) for event in sent)


def _size(data: object) -> int:
    if isinstance(data, dict):
        return len(base64.b64decode(data["b64"]))
    return len(str(data).encode())
