"""credential_sweep: three or more kinds of credential files read by one line of processes.

Counts only what `reads` rates high: neither what a client library opens for its connection nor a
walk over the whole home is a sweep. Variables don't count: reading one cannot be seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from pytest_ato.detectors.interface import Definition, Detector
from pytest_ato.detectors.processes import ProcessState
from pytest_ato.detectors.reads import Read
from pytest_ato.model.findings import Category, Evidence, Finding, Severity

_NO_CREDENTIAL: Final = frozenset({"pii"})
"""Families of planted files that open no door."""


class CredentialSweep(Detector):
    """One finding for the audit, about the smallest line of processes that did it."""

    definition = Definition(
        rule="ATO-CRD-004",
        name="credential_sweep",
        category=Category.CREDENTIAL_ACCESS,
        severity=Severity.HIGH,
        title="three or more kinds of credential files are read by one line of processes",
        technique="T1555",
        thresholds={"families": 3},
        fires="one line of processes reads planted files of at least `families` kinds (AWS, "
        "SSH, PostgreSQL, ...)",
        silent="a walk over the whole home, a client that reads the file of its own kind",
    )

    def finish(self) -> Iterable[Finding]:
        """Count families over each process and what came from it."""
        granted = self.context.declarations.granted(self.context.sightings.all)
        reads = [
            read
            for read in self.context.reads.rated(self.context.sightings.carriers)
            if read.rating is Severity.HIGH
            and read.token.family not in _NO_CREDENTIAL
            and read.token.name not in granted
        ]
        families = sorted({read.token.family for read in reads})
        swept = _smallest_sweep(reads, max(1, int(self.threshold("families"))))
        if swept is None:
            return
        actor, own = swept
        yield self.finding(
            key="+".join(families),
            title=f"{len(families)} kinds of credentials read ({', '.join(families)}) "
            f"by {actor.label}",
            evidence=_one_of_each_family(own),
            where="~",
            process=actor,
            count=sum(read.count for read in own),
        )


def _smallest_sweep(reads: Iterable[Read], families: int) -> tuple[ProcessState, list[Read]] | None:
    """The process farthest from the root below which (itself included) `families` were
    read, with these reads; the first of equals."""
    below: dict[int, tuple[ProcessState, list[Read]]] = {}
    for read in reads:
        for state in {state.serial: state for state in read.process.line}.values():
            below.setdefault(state.serial, (state, []))[1].append(read)
    sweeps = [
        (actor, own)
        for actor, own in below.values()
        if len({read.token.family for read in own}) >= families
    ]
    return min(sweeps, key=lambda s: (len(s[1]), -len(s[0].ancestors)), default=None)


def _one_of_each_family(reads: Sequence[Read]) -> list[Evidence]:
    first: dict[str, Read] = {}
    for read in reads:
        first.setdefault(read.token.family, read)
    return [
        Evidence(
            ts=read.ts,
            text=f"{family}: {read.text}",
            pid=read.process.pid,
        )
        for family, read in first.items()
    ]
