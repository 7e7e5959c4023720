"""denied: the target used what a policy denies, whatever else is declared.

Owns the comparison of what it did, tried and failed included, with a policy's `deny`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

from pytest_ato.detectors.context import Context
from pytest_ato.detectors.declarations import Places, shown_path
from pytest_ato.detectors.facts import Fact, Kind
from pytest_ato.detectors.interface import Definition, Detector
from pytest_ato.detectors.outcome import outcome
from pytest_ato.detectors.paths import destination, resolved, stable_path
from pytest_ato.model.events import FileEvent, Link, Open, Rename, Unlink
from pytest_ato.model.findings import Category, Evidence, Finding, Severity
from pytest_ato.model.octets import show
from pytest_ato.model.record import Event

_HOSTS: Final = frozenset({Kind.DOMAIN, Kind.ADDRESS})


class Denied(Detector):
    """One finding for each denied name, address, file and program."""

    definition: ClassVar[Definition] = Definition(
        rule="ATO-POL-034",
        name="denied",
        category=Category.POLICY,
        severity=Severity.HIGH,
        title="something that the policy denies",
        technique="T1199",
        wants=(Open, Rename, Link, Unlink),
        input="deny",
        fires="a name is asked for, an address contacted, a file used or a program run that the "
        "policy denies, also when it was refused",
        silent="the name above or beside a denied one, the neighbouring address or file",
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        deny = context.terms.policy.deny
        self._denied = Places(deny)
        self._denies_files = bool(deny.files)

    def process(self, event: Event) -> Iterable[Finding]:
        """Compare a path as soon as it is used."""
        if not self._denies_files or not isinstance(event, FileEvent):
            return ()
        paths = [resolved(event)]
        if isinstance(event, (Rename, Link)):
            paths.append(destination(event))
        return [self._file(event, path) for path in paths if self._is_denied(path)]

    def finish(self) -> Iterable[Finding]:
        """Compare names, addresses and programs."""
        for fact in self.context.behaviour.facts:
            if fact.kind in _HOSTS and self._denied.host(fact.raw):
                yield self._report(fact, f"{show(fact.value, 120)} contacted")
            elif fact.kind is Kind.CHILD and self._denied.children.match(fact.raw):
                yield self._report(fact, f"{show(fact.value, 120)} executed")

    def _is_denied(self, path: str) -> bool:
        return self._denied.files.match(shown_path(path, self.context.home)) is not None

    def _file(self, event: FileEvent, path: str) -> Finding:
        stable = stable_path(path, self.context.home)
        ended = outcome(event.result)
        return self.finding(
            key=f"files:{stable}",
            title=f"{stable} used by {self.context.processes.label(event.pid)}{ended}, which the "
            "policy denies",
            evidence=[Evidence(ts=event.ts, text=f"{event.call}{ended}", pid=event.pid)],
            where=path,
            pid=event.pid,
            count=event.count,
        )

    def _report(self, fact: Fact, what: str) -> Finding:
        by = f" by {fact.process.label}" if fact.process else ""
        pid = fact.process.pid if fact.process else 0
        return self.finding(
            key=f"{fact.kind}:{fact.value}",
            title=f"{what}{by}, which the policy denies",
            evidence=[Evidence(ts=fact.ts, text=fact.detail, pid=pid)],
            where=fact.raw,
            process=fact.process,
            count=fact.count,
        )
