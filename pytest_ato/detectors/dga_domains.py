"""dga_domains: many registered domains are tried whose names nobody would choose.

Owns what "many" and "nobody" are. A program that has its server's name computed (from the date, a
seed) asks for one after another until one answers. The sinkhole answers every name, so how many
were refused counts only where some were. Names that are put together from a word
list look like names that people chose: those are not found.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final

from pytest_ato.detectors.context import Context
from pytest_ato.detectors.improbable import rare_share
from pytest_ato.detectors.interface import Definition, Detector
from pytest_ato.detectors.names import parent_domain, printable_name
from pytest_ato.detectors.processes import ProcessState
from pytest_ato.model.events import Dns
from pytest_ato.model.findings import Category, Evidence, Finding, Severity
from pytest_ato.model.octets import show
from pytest_ato.model.record import Event

_MAX_DOMAINS: Final = 4096
_MIN_LETTERS: Final = 7
"""Shorter labels are abbreviations, which have any letters."""
_SHOWN: Final = 5


@dataclass(slots=True)
class _Domain:
    ts: int
    rarity: float
    process: ProcessState | None
    refused: bool = False


class DgaDomains(Detector):
    """One finding for the audit."""

    definition: ClassVar[Definition] = Definition(
        rule="ATO-DNS-011",
        name="dga_domains",
        category=Category.DNS,
        severity=Severity.MEDIUM,
        title="Many domains with generated names are tried",
        technique="T1568.002",
        fires="at least `names` registered domains are asked for whose letters are improbable, "
        "and they are more than half of all domains; where the resolver refuses names at all (the "
        "sinkhole does not), it must have refused most of them",
        silent="typing errors, abbreviations, hashed names below one domain, names of word lists",
        wants=(Dns,),
        needs=frozenset({"sinkhole", "open"}),
        thresholds={"names": 10, "rarity": 0.3, "mean_rarity": 0.4, "share": 0.5, "refused": 0.5},
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._domains: dict[str, _Domain] = {}

    def process(self, event: Event) -> Iterable[Finding]:
        """Note the registered domain of a question."""
        assert isinstance(event, Dns)
        parent = parent_domain(printable_name(event.qname))
        if parent.endswith(".arpa") or "." not in parent:
            return ()
        known = self._domains.get(parent)
        if known is None and len(self._domains) < _MAX_DOMAINS:
            label = parent.partition(".")[0]
            international = label.startswith("xn--")  # words in their own script
            rarity = 0.0 if international or len(label) < _MIN_LETTERS else rare_share(label)
            owner = self.context.sockets.owner(event.client_port, event.server, 53)
            known = self._domains[parent] = _Domain(event.ts, rarity, owner)
        if known is not None:
            known.refused |= event.rcode == "NXDOMAIN"
        return ()

    def finish(self) -> Iterable[Finding]:
        """Judge all names together."""
        least = self.threshold("rarity")
        odd = {name: domain for name, domain in self._domains.items() if domain.rarity >= least}
        if not self._is_generated(odd):
            return
        first = next(iter(odd.values()))
        mean = statistics.fmean(domain.rarity for domain in odd.values())
        refused = sum(domain.refused for domain in odd.values())
        pid = first.process.pid if first.process else 0
        summary = (
            f"{len(odd)} of {len(self._domains)} domains have improbable names "
            f"({mean:.0%} of their letter pairs are rare); {refused} do not exist"
        )
        shown = [
            Evidence(ts=domain.ts, text=show(name, 120), pid=pid)
            for name, domain in list(odd.items())[:_SHOWN]
        ]
        by = first.process.label if first.process else "the target"
        yield self.finding(
            key="generated names",
            title=f"{by} tries {len(odd)} domains with names that look generated",
            evidence=(Evidence(ts=first.ts, text=summary, pid=pid), *shown),
            where=f"{len(odd)} domains",
            process=first.process,
            count=len(odd),
        )

    def _is_generated(self, odd: dict[str, _Domain]) -> bool:
        if len(odd) < max(1, self.threshold("names")):
            return False
        if len(odd) <= self.threshold("share") * len(self._domains):
            return False
        mean = statistics.fmean(domain.rarity for domain in odd.values())
        if mean < self.threshold("mean_rarity"):
            return False
        if not any(domain.refused for domain in self._domains.values()):
            return True
        refused = sum(domain.refused for domain in odd.values())
        return refused >= self.threshold("refused") * len(odd)
