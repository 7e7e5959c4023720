"""undeclared: the target did what its vendor did not declare.

Owns the comparison of what it did with a policy's `declared`: destinations, ports, files and
children, each kind only where the policy states it. Planted files are other detectors' question.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar

from pytest_ato.detectors.facts import WORDS, Fact, Kind
from pytest_ato.detectors.interface import Definition, Detector
from pytest_ato.model.findings import Category, Evidence, Finding, Severity
from pytest_ato.model.octets import show


class Undeclared(Detector):
    """One finding for each name, address, port, file and program outside of the declaration."""

    definition: ClassVar[Definition] = Definition(
        rule="ATO-POL-032",
        name="undeclared",
        category=Category.POLICY,
        severity=Severity.MEDIUM,
        title="something that the policy's declaration does not name",
        technique="T1199",
        input="declared",
        fires="a name, address, port, written or read file, or child of a kind that the policy "
        "states, outside of what it declares",
        silent="what is declared; temporary files, the system's own folders, kinds that the policy "
        "does not state",
    )

    def finish(self) -> Iterable[Finding]:
        """Compare every fact."""
        checks = self._checks()
        behaviour = self.context.behaviour
        for fact in behaviour.facts:
            check = checks.get(fact.kind)
            if check is not None and not check(fact.raw):
                yield self._report(fact)
        for kind in sorted(behaviour.full & checks.keys()):
            title = f"more {kind} than are compared with the declaration"
            yield self.finding(key=f"more:{kind}", title=title, evidence=())

    def _checks(self) -> dict[Kind, Callable[[str], bool]]:
        declared = self.context.declarations
        checks: dict[Kind, Callable[[str], bool]] = {
            Kind.PORT: lambda raw: declared.port(*_port(raw)),
            Kind.LISTENER: lambda raw: declared.port(*_port(raw)),
        }
        if declared.states_destinations:
            checks |= {Kind.DOMAIN: declared.host, Kind.ADDRESS: declared.host}
        if declared.states_files:
            checks |= {Kind.WRITTEN: declared.file, Kind.READ: declared.file}
        if declared.states_children:
            checks[Kind.CHILD] = declared.child
        return checks

    def _report(self, fact: Fact) -> Finding:
        by = f" by {fact.process.label}" if fact.process else ""
        pid = fact.process.pid if fact.process else 0
        return self.finding(
            key=f"{fact.kind}:{fact.value}",
            title=f"{WORDS[fact.kind]} {show(fact.value, 120)}{by} is not declared",
            evidence=[Evidence(ts=fact.ts, text=fact.detail, pid=pid)],
            where=fact.raw,
            process=fact.process,
            count=fact.count,
        )


def _port(value: str) -> tuple[int, str]:
    number, _, protocol = value.partition("/")
    return int(number), protocol
