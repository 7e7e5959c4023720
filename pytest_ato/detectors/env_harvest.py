"""env_harvest: secrets in environment variables are collected, from another process or by the lot.

Owns what collecting is: opening another process's environ (a process knows its own environment
and what it gave its children), or values of several kinds of variables leaving. That one value
leaves is another detector's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from pytest_ato.detectors.found import Sighting
from pytest_ato.detectors.interface import Definition, Detector
from pytest_ato.detectors.lookouts import lists_processes
from pytest_ato.detectors.outcome import REFUSED, outcome
from pytest_ato.detectors.peers import Relation
from pytest_ato.detectors.procfs import PREFIX, proc_entry
from pytest_ato.model.events import Open
from pytest_ato.model.findings import Category, Evidence, Finding, Severity
from pytest_ato.model.record import Event


class EnvHarvest(Detector):
    """Finds foreign environments that are read (medium when refused), and variables that leave."""

    definition: ClassVar[Definition] = Definition(
        rule="ATO-CRD-005",
        name="env_harvest",
        category=Category.CREDENTIAL_ACCESS,
        severity=Severity.HIGH,
        title="Secrets in environment variables are collected",
        technique="T1552.007",
        wants=(Open,),
        places=(PREFIX,),
        thresholds={"families": 3},
        fires="another process's /proc/PID/environ is opened, or values of at least `families` "
        "kinds of secret variables leave",
        silent="a process's own environment and that of its children, ps, one variable sent to "
        "the service that it is for",
    )

    def process(self, event: Event) -> Iterable[Finding]:
        """Report a foreign environ as soon as it is opened."""
        if not isinstance(event, Open):
            return
        entry = proc_entry(event)
        if entry is None or entry.name != "environ":
            return
        relation = self.context.peers.relation(event.pid, entry.number)
        if relation is Relation.OTHER and (event.result >= 0 or event.result in REFUSED):
            yield self._environ(event, entry.number)

    def finish(self) -> Iterable[Finding]:
        """Report the variables whose values were seen on the wire."""
        carriers = self.context.tokens.carriers
        left: dict[str, list[Sighting]] = {}
        for sighting in self.context.sightings.all:
            token = carriers.get(sighting.token)
            if token is not None and token.variable and sighting.channel != "output":
                left.setdefault(token.variable, []).append(sighting)
        families = sorted({carriers[seen[0].token].family for seen in left.values()})
        # An honest client sends its own kind: several leave together if somebody takes all.
        if len(families) < max(1, self.threshold("families")):
            return
        first = next(iter(left.values()))[0]
        yield self.finding(
            key=f"leave:{'+'.join(families)}",
            title=f"{len(left)} secret variables leave: {', '.join(sorted(left))}",
            evidence=[
                Evidence(
                    ts=seen[0].evidence[0].ts,
                    text=f"{variable} to {', '.join(s.destination for s in seen)}",
                    pid=seen[0].evidence[0].pid,
                )
                for variable, seen in left.items()
            ],
            where=first.destination,
            process=first.process,
            count=sum(sighting.count for seen in left.values() for sighting in seen),
        )

    def _environ(self, event: Open, number: int) -> Finding:
        name = self.context.peers.name(number)
        result = outcome(event.result)
        severity = Severity.MEDIUM if result else Severity.HIGH
        if lists_processes(self.context.processes.actor(event.pid)):
            severity = Severity.INFO  # ps opens it whatever it is asked to show
        text = f"{event.call} of /proc/{number}/environ ({name}){result}"
        return self.finding(
            key=f"environ:{name}",
            title=f"{self.context.processes.label(event.pid)} opens the environment of "
            f"{self.context.peers.describe(number)}{result}",
            severity=severity,
            evidence=(Evidence(ts=event.ts, text=text, pid=event.pid),),
            where=name,
            pid=event.pid,
            count=event.count,
        )
