"""A rule at work: a detector class like any other, made from what a file says.

Owns what a rule's finding looks like. Same contract as all detectors: a function of the events.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final, cast

from pytest_ato.detectors.context import Context
from pytest_ato.detectors.interface import Definition, Detector
from pytest_ato.detectors.names import printable_name
from pytest_ato.detectors.paths import stable_path
from pytest_ato.detectors.processes import ProcessState
from pytest_ato.model.events import Dns, Tcp
from pytest_ato.model.findings import Evidence, Finding
from pytest_ato.model.octets import B64, show
from pytest_ato.model.policy import Source
from pytest_ato.model.record import Event
from pytest_ato.rules.conditions import Test, compiled
from pytest_ato.rules.rule import ABOUT, EVENTS, Rule

_MAX_TOLD: Final = 100_000
"""Events that become findings."""
_SHOWN: Final = 120


class RuleDetector(Detector):
    """Base of the classes that `detector` makes."""

    definition: ClassVar[Definition]
    rule: ClassVar[Rule]
    tests: ClassVar[tuple[tuple[str, Test], ...]]

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._told = 0

    def process(self, event: Event) -> Iterable[Finding]:
        """Report the event if every condition holds."""
        for name, test in self.tests:
            if not test(getattr(event, name)):
                return ()
        self._told += 1
        return (self._report(event),) if self._told <= _MAX_TOLD else ()

    def _report(self, event: Event) -> Finding:
        about = self._about(event)
        pid = getattr(event, "pid", 0)
        process = self.context.processes.get(pid) or self._owner(event)
        by = f" by {process.label}" if process else ""
        seen = ", ".join(f"{name} {_shown(getattr(event, name))}" for name, _ in self.tests)
        return self.finding(
            key=about or "seen",
            title=f"{self.rule.title}{': ' if about else ''}{about}{by}",
            evidence=(Evidence(ts=event.ts, text=f"{self.rule.event}: {seen}", pid=pid),),
            where=about,
            process=process,
            count=getattr(event, "count", 1),
        )

    def _about(self, event: Event) -> str:
        name = self.rule.about or ABOUT.get(self.rule.event, "")
        value = getattr(event, name) if name else ""
        if name == "address":
            return self.context.names.describe(str(value), getattr(event, "port", 0))
        if name in ("path", "file", "to", "to_file"):
            return stable_path(value or "", self.context.home)
        if name in ("qname", "sni"):
            return printable_name(value)
        return _shown(value)

    def _owner(self, event: Event) -> ProcessState | None:
        sockets = self.context.sockets
        match event:
            case Dns():
                return sockets.owner(event.client_port, event.server, 53)
            case Tcp():
                return sockets.owner(event.client_port, event.address, event.port)
        return None


def detector(rule: Rule, source: Source | None = None) -> type[Detector]:
    """The detector that `rule` of the file `source` describes; raises ValueError for a condition
    that cannot be."""
    definition = Definition(
        rule=rule.id,
        name=rule.name,
        category=rule.category,
        severity=rule.severity,
        title=rule.title,
        technique=rule.technique,
        wants=(EVENTS[rule.event],),
        fires=f"an event of kind {rule.event} has {', '.join(rule.where)} as the rule says",
        version=f"sha256:{source.sha256[:16]}" if source else "",
        source=source,
    )
    tests = []
    for name, condition in rule.where.items():
        try:
            tests.append((name, compiled(condition)))
        except ValueError as error:
            raise ValueError(f"where.{name}: {error}") from None
    members = {"definition": definition, "rule": rule, "tests": tuple(tests)}
    return cast("type[Detector]", type(f"Rule_{rule.name}", (RuleDetector,), members))


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return show(" ".join(_shown(item) for item in value), _SHOWN)
    return show(value, _SHOWN) if isinstance(value, str | B64) else str(value)
