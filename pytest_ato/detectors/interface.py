"""What a detector is: a definition, and a class that turns events into findings.

Owns the contract that built-in and third-party detectors share. A detector is a pure function of
the events it gets: no clock, no file, no network, no randomness; time comes from `event.ts`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final, Literal, TypeAlias

from pytest_ato.model.findings import Category, Evidence, Finding, Severity
from pytest_ato.model.octets import Octets
from pytest_ato.model.policy import Declarable, Source
from pytest_ato.model.record import Event

if TYPE_CHECKING:
    from pytest_ato.detectors.context import Context
    from pytest_ato.detectors.processes import ProcessState


RUN: Final = 100
"""Equal opens that one event stands for, from which on every detector that wants opens gets it."""

Input: TypeAlias = Literal["", "declared", "deny", "baseline", "domains", "asns", "countries"]
_GIVEN_BY: Final = {
    "declared": "a policy that declares something (--ato-policy)",
    "deny": "a policy that denies something (--ato-policy)",
    "baseline": "a baseline (--ato-baseline)",
    "domains": "a list of names (--ato-domain-list)",
    "asns": "a list of networks (--ato-asn-list, or asn in a policy)",
    "countries": "countries in a policy (geo)",
}


@dataclass(frozen=True)
class Definition:
    """What a detector is, apart from how it works."""

    rule: str
    """Id that never changes, such as ``ATO-EXF-001``."""
    name: str
    category: Category
    severity: Severity
    """The usual one; a finding may carry another."""
    title: str
    """What it is for, in one line."""
    technique: str
    """MITRE ATT&CK technique id."""
    wants: tuple[type[Event], ...] = ()
    """Event classes that `process` is called with; empty: it only speaks at the end."""
    places: tuple[str, ...] = ("",)
    """Of `Open` events, only those whose path (the file's, or as it was given) begins with one of
    these, those whose path changed during the call, and runs of at least `RUN` equal ones. Nearly
    all events of most audits are opens, so a detector that says where it looks makes all faster."""
    needs: frozenset[str] = frozenset()
    """Networks under which it can run at all; empty: under each."""
    input: Input = ""
    """What a user has to give before it has anything to compare with."""
    declarable: frozenset[Declarable] = frozenset()
    """What a policy's declaration answers its question: a finding is none where `where` is declared
    as one of these."""
    thresholds: Mapping[str, float] = field(default_factory=dict)
    """Numbers that a policy may set, with their usual values."""
    fires: str = ""
    """What makes it fire, in a sentence or two, for `ato detectors explain` and the docs."""
    silent: str = ""
    """The nearest ordinary behaviour, on which it stays silent."""
    version: str = ""
    """Of the package that brings it; empty: taken from its metadata where it is loaded."""
    source: Source | None = None
    """The user's file that describes it, if one does."""

    def cannot_work(self, network: str, inputs: Collection[str]) -> str:
        """Why it has no work in an audit with this network and these inputs; empty if it has."""
        if self.needs and network not in self.needs:
            return f"needs network {' or '.join(sorted(self.needs))}, not {network}"
        if self.input and self.input not in inputs:
            return f"needs {self.asks_for}"
        return ""

    @property
    def asks_for(self) -> str:
        """In words what a user has to give, and how; empty: nothing."""
        return _GIVEN_BY.get(self.input, "")


@dataclass(frozen=True)
class Idle:
    """A detector that had no work in an audit."""

    definition: Definition
    reason: str


class Detector:
    """Base of all detectors: one instance serves one audit, and overrides what it needs."""

    definition: ClassVar[Definition]

    def __init__(self, context: Context) -> None:
        self.context = context

    def threshold(self, name: str) -> float:
        """The value in force of one of the definition's `thresholds`."""
        definition = self.definition
        given = self.context.thresholds.get(definition.name, {})
        return given.get(name, definition.thresholds[name])

    def process(self, event: Event) -> Iterable[Finding]:  # noqa: ARG002
        """Take one wanted event, in the order of the log; return what it makes certain."""
        return ()

    def finish(self) -> Iterable[Finding]:
        """Called once, after the last event: return what only the whole shows."""
        return ()

    def finding(
        self,
        *,
        key: str,
        title: str,
        evidence: Iterable[Evidence],
        severity: Severity | None = None,
        where: Octets = "",
        pid: int = 0,
        process: ProcessState | None = None,
        count: int = 1,
    ) -> Finding:
        """Make a finding with the definition's provenance and the lineage of the actor.

        `key` is what distinguishes this behaviour from another of the same detector (a path, a
        name, a port); the detector's name is put before it. The actor is `process`, a state kept
        from an earlier event, or else what `pid` is now.
        """
        actor = process or self.context.processes.get(pid)
        definition = self.definition
        proof = tuple(evidence)
        return Finding(
            ts=proof[0].ts if proof else 0,
            detector=definition.name,
            rule=definition.rule,
            category=definition.category,
            severity=severity or definition.severity,
            title=title,
            key=f"{definition.name}:{key}",
            count=count,
            where=where,
            lineage=actor.lineage if actor else (),
            evidence=proof,
            technique=definition.technique,
        )


def once(keys: set[str], findings: Iterable[Finding]) -> Iterator[Finding]:
    """Pass on findings whose key is not in `keys` yet, and remember it."""
    for finding in findings:
        if finding.key not in keys:
            keys.add(finding.key)
            yield finding
