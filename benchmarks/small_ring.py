"""Two threads against a ring that is far too small: what is lost is counted to the last call.

Started as a program, this file is capture with a bulk ring of that size: small_ring.py
"""

from __future__ import annotations

import sys

from measure import Sample
from programs import Place
from results import Figure, Goal, Row

from pytest_ato.audit import Auditor, Options
from pytest_ato.model.verdict import Verdict
from pytest_ato.runtime.local import LocalRuntime
from pytest_ato.target import resolve

RING = 256 << 10
OPENS, THREADS = 500_000, 2
ROUNDS = 9


class SmallRing(LocalRuntime):
    """Starts this file in place of capture."""

    def command(self) -> tuple[str, ...]:
        return (sys.executable, __file__)


def figure(place: Place) -> Figure:
    """Share of the calls that were lost, and whether every one is accounted for."""
    lost, exact, approved = [], True, False
    target = resolve(place.target("threads"))
    with Auditor(report_dir=place.path / "small_ring", runtime=SmallRing("core")) as auditor:

        def audit(count: int) -> tuple[int, int, Verdict]:
            options = Options(args=(str(count),), network="none")
            report = auditor.audit(target, options).report
            bulk = report.coverage.counters["bulk"]
            nonlocal exact
            exact &= bulk.produced == bulk.consumed + bulk.lost + bulk.coalesced
            return bulk.produced, bulk.lost, report.verdict

        others = audit(0)[0]
        for _ in range(ROUNDS):
            produced, missing, verdict = audit(OPENS)
            exact &= produced == others + THREADS * OPENS
            approved |= verdict is not Verdict.INCONCLUSIVE and missing > 0
            lost.append(100 * missing / produced)
    rows = [Row(case=f"{THREADS} x {OPENS:,} opens: lost", value=Sample(tuple(lost)), unit="%")]
    goals = [
        Goal(text="made = taken + lost + coalesced, and made is what the target did", met=exact),
        Goal(text="INCONCLUSIVE wherever one was lost", met=not approved),
    ]
    title = f"Two threads against a ring of {RING >> 10} KiB"
    return Figure(name="small_ring", title=title, rows=rows, goals=goals)


def _capture() -> int:
    from pytest_ato.capture import __main__ as entry
    from pytest_ato.capture.loader.core import CoreLoader
    from pytest_ato.capture.loader.maps import RING_SIZES

    entry.choose = lambda _: CoreLoader(ring_sizes=RING_SIZES | {"bulk": RING})
    return entry.main("core")


if __name__ == "__main__":
    sys.exit(_capture())
