"""known_bad_domain: the target asked for a name that a list of known bad names has.

Owns the match: a listed name stands for itself and for the names below it, never for its
siblings, and what is above the name that somebody registers (``co.uk``) matches nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Final

from pytest_ato.detectors.context import Context
from pytest_ato.detectors.interface import Definition, Detector
from pytest_ato.detectors.names import printable_name
from pytest_ato.detectors.processes import ProcessState
from pytest_ato.detectors.traffic import Exchange
from pytest_ato.model.events import Dns, Handshake
from pytest_ato.model.findings import Category, Evidence, Finding, Severity
from pytest_ato.model.lists import KnownList
from pytest_ato.model.record import Event

MAX_NAMES: Final = 65536
"""Different names that are compared; later ones are not (the sinkhole tells no more either)."""

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList


@dataclass(slots=True)
class _Match:
    listed: str
    known: KnownList
    asked: str
    ts: int
    actor: ProcessState | None
    count: int = 1


class KnownBadDomain(Detector):
    """One finding for each listed name."""

    definition: ClassVar[Definition] = Definition(
        rule="ATO-C2C-012",
        name="known_bad_domain",
        category=Category.C2,
        severity=Severity.HIGH,
        title="A name from a list of known bad names was asked for",
        technique="T1071",
        wants=(Dns, Handshake, Exchange),
        needs=frozenset({"sinkhole", "open"}),
        input="domains",
        fires="a name that a list has, or a name below it, is asked for, or named in a TLS "
        "handshake",
        silent="a sibling of the listed name, or the name above it",
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._matches: dict[str, _Match] = {}
        self._listed: dict[str, str] = {}

    @cached_property
    def _suffixes(self) -> PublicSuffixList:
        from publicsuffixlist import PublicSuffixList

        return PublicSuffixList()

    def process(self, event: Event) -> Iterable[Finding]:
        """Compare the name; a repeated one is counted."""
        if isinstance(event, Dns):
            name, port, server = printable_name(event.qname), event.client_port, event.server
            owner = self.context.sockets.owner(port, server, 53)
        elif isinstance(event, Handshake) and event.sni:
            name = printable_name(event.sni)
            owner = self.context.sockets.owner(event.client_port, event.address, event.port)
        elif isinstance(event, Exchange):  # another host than was asked for (domain fronting)
            name, owner = event.host, event.process
        else:
            return ()
        listed = self._match(name)
        if not listed:
            return ()
        if (match := self._matches.get(listed)) is not None:
            match.count += 1
            return ()
        known = self.context.terms.lists.domain(listed)
        if known is not None:
            self._matches[listed] = _Match(listed, known, name, event.ts, owner)
        return ()

    def finish(self) -> Iterator[Finding]:
        """Tell each listed name."""
        for match in self._matches.values():
            by = f" by {match.actor.label}" if match.actor else ""
            text = f"{match.asked} was asked for; {match.listed} is on {match.known.sentence}"
            pid = match.actor.pid if match.actor else 0
            yield self.finding(
                key=match.listed,
                title=f"{match.asked} asked for{by}: {match.listed} is on the list "
                f"{match.known.name}",
                evidence=(Evidence(ts=match.ts, text=text, pid=pid),),
                where=match.asked,
                process=match.actor,
                count=match.count,
            )

    def _match(self, name: str) -> str:
        """The listed name that `name` is or lies below, or nothing."""
        if name not in self._listed:
            if len(self._listed) >= MAX_NAMES:
                return ""
            self._listed[name] = next(filter(self._is_listed, self._above(name)), "")
        return self._listed[name]

    def _is_listed(self, name: str) -> bool:
        return self.context.terms.lists.domain(name) is not None

    def _above(self, name: str) -> Iterator[str]:
        """`name` and the names above it, down to the one that somebody registers."""
        registered = self._suffixes.privatesuffix(name)
        if registered is None:
            return
        labels = name.split(".")
        for start in range(len(labels) - registered.count(".")):
            yield ".".join(labels[start:])
