"""vendor_drift: this version does what the one of the baseline did not, or no longer does it.

Owns how bad a difference is. What a fact is and how it is normalised is in `behaviour`; private
addresses differ from machine to machine and are no difference.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from pytest_ato.detectors.facts import WORDS, Fact, Kind
from pytest_ato.detectors.interface import Definition, Detector
from pytest_ato.model.addresses import is_public
from pytest_ato.model.findings import Category, Evidence, Finding, Severity
from pytest_ato.model.octets import show


class VendorDrift(Detector):
    """One finding for each new fact (medium) and each that is gone (info)."""

    definition: ClassVar[Definition] = Definition(
        rule="ATO-DRF-031",
        name="vendor_drift",
        category=Category.DRIFT,
        severity=Severity.MEDIUM,
        title="something that the baseline's version did not do",
        technique="T1195.002",
        input="baseline",
        fires="a name, public address, port, file, child, privilege or kind of system call that "
        "the baseline does not have of this target",
        silent="the same set in another order; process ids, temporary names, hashes, locales, "
        "private addresses; what is gone is a note",
    )

    def finish(self) -> Iterable[Finding]:
        """Compare what was done with what is recorded."""
        spec, baseline = self.context.spec, self.context.terms.baseline
        if spec is None or baseline is None:
            return
        recorded = baseline.targets.get(spec.target.name)
        if recorded is None:
            title = f"the baseline has nothing of {show(spec.target.name, 60)}: it is all new"
            yield self.finding(key="unknown", title=title, evidence=())
            return
        known = {(kind, value) for kind in Kind for value in recorded.facts.get(kind, ())}
        present = comparable(self.context.behaviour.facts)
        for fact in present:
            if (fact.kind, fact.value) not in known:
                yield self._new(fact)
        done = {(fact.kind, fact.value) for fact in present}
        for kind, value in sorted(known - done):
            yield self._gone(kind, value)
        for kind in sorted(self.context.behaviour.full):
            title = f"more {kind} than are compared with the baseline"
            yield self.finding(key=f"more:{kind}", title=title, evidence=())

    def _new(self, fact: Fact) -> Finding:
        by = f" by {fact.process.label}" if fact.process else ""
        pid = fact.process.pid if fact.process else 0
        return self.finding(
            key=f"new:{fact.kind}:{fact.value}",
            title=f"{WORDS[fact.kind]} {show(fact.value, 120)}{by} is new against the baseline",
            evidence=[Evidence(ts=fact.ts, text=fact.detail, pid=pid)],
            where=fact.raw,
            process=fact.process,
            count=fact.count,
        )

    def _gone(self, kind: Kind, value: str) -> Finding:
        return self.finding(
            key=f"gone:{kind}:{value}",
            title=f"{WORDS[kind]} {show(value, 120)} of the baseline was not used",
            severity=Severity.INFO,
            evidence=(),
            where=value,
        )


def comparable(facts: Iterable[Fact]) -> tuple[Fact, ...]:
    """Facts that are the same on every machine: all but addresses that are nobody's own."""
    return tuple(
        fact for fact in facts if not (fact.kind is Kind.ADDRESS and not is_public(fact.value))
    )
