"""What tracing adds to one open: its path, flags and result, on their way to whoever reads them."""

from __future__ import annotations

from collections.abc import Callable

from added import Added
from measure import alternate
from peers import Peer, bcc, bpftrace, perf_record, perf_trace, strace, working
from programs import Place, audit, run
from results import Figure

OPENS = 100_000
COUNTS = {"strace": 10_000, "perf trace": 10_000}
"""Opens for those that take some 20 to 100 µs for each."""
ROUNDS = 9
PEERS: dict[str, Peer] = {
    "bpftrace": bpftrace,
    "bcc": bcc,
    "strace": strace,
    "perf trace": perf_trace,
    "perf record": perf_record,
}
GOALS = {"bpftrace": 0.25, "strace": 0.03}
SEES = {"perf record": "no path, not decoded", "perf trace": "no path"}


def figure(place: Place) -> Figure:
    """Microseconds by the target's own clock, less those of an open that nobody traces."""
    peers, notes = working(PEERS, place, "opens", 10)
    lost = dict.fromkeys(peers, 0)

    def traced(name: str) -> Callable[[], float]:
        def once() -> float:
            count = COUNTS.get(name, OPENS)
            found = peers[name](place, "opens", count)
            lost[name] += found.lost or 0
            return float(found.output) / count * 1e6

        return once

    def bare() -> float:
        return float(run((place.target("opens"), str(OPENS)), place)) / OPENS * 1e6

    cases = {"bare": bare, "ato": lambda: _audited(place), **{n: traced(n) for n in peers}}
    added = Added.over_bare(alternate(cases, ROUNDS))
    told = {
        name: [
            f"{COUNTS.get(name, OPENS):,} opens",
            *([SEES[name]] if name in SEES else []),
            *([f"{lost[name]:,} lost"] if lost[name] else []),
        ]
        for name in peers
    }
    return Figure(
        name="opens",
        title=f"What tracing adds to an open, {OPENS:,} times",
        rows=added.rows("the whole open and close", told),
        goals=[added.goal(peer, share) for peer, share in GOALS.items() if peer in peers],
        notes=notes,
    )


def _audited(place: Place) -> float:
    """Each was delivered, by the counts, and the log tells them all with their path."""
    found = audit(place, "opens", OPENS)
    counts = found.bulk()
    assert not counts["lost"]
    told = [e for e in found.events("open") if str(e["path"]).endswith("/os-release")]
    assert sum(int(str(event.get("count", 1))) for event in told) >= OPENS
    return float(found.stdout()) / OPENS * 1e6
