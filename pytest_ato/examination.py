"""The examination of one audit's events, live or replayed: detectors, facts, judgement, report.

Owns that both ways give the same: a pure fold over the event log, with one place where records go
on their way through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from msgspec import structs

from pytest_ato.analysis import Analysis, Facts
from pytest_ato.detectors.interface import Detector
from pytest_ato.detectors.pipeline import Pipeline
from pytest_ato.enrich.interface import Enricher
from pytest_ato.enrich.public import PublicAddresses
from pytest_ato.model.events import End, Output, Timing, encode
from pytest_ato.model.findings import Finding
from pytest_ato.model.octets import raw
from pytest_ato.model.policy import Terms
from pytest_ato.model.record import Event
from pytest_ato.model.report import Report
from pytest_ato.policy.verdict import judge
from pytest_ato.reports.build import build

MOST_OUTPUT: Final = 64 << 20
"""Bytes of the target's output that are kept, whatever a log says that its limit was."""
_OVERHEAD: Final = 64


@dataclass(frozen=True, kw_only=True)
class Examined:
    """What the events of one audit amount to."""

    report: Report
    evidence: Report
    """The same, masked whatever the user wants to see: what evidence is made of."""
    terms: Terms
    facts: Facts
    findings: tuple[Finding, ...]
    failures: tuple[str, ...]
    stdout: bytes
    stderr: bytes

    @property
    def returncode(self) -> int | None:
        """Exit status, or minus the signal; None: the target did not end by itself."""
        end = self.facts.end
        if end is None or end.ended not in ("exit", "signal"):
            return None
        return end.status if end.ended == "exit" else -end.status


class Examination:
    """Takes every record in the order of the log and passes it to `record` as a line.

    Findings go into the same stream as they become certain, behind the record that made them so;
    those of an older examination are
    dropped, since they are computed anew. A live examination has a `clock` (nanoseconds) and
    records how long it took; a replay has none, and takes the time from the log.
    """

    def __init__(
        self,
        detectors: Iterable[type[Detector]],
        record: Callable[[bytes], None] | None = None,
        clock: Callable[[], int] | None = None,
        terms: Terms | None = None,
    ) -> None:
        self._pipeline = Pipeline(detectors, terms)
        self._analysis = Analysis()
        self._record = record
        self._clock = clock
        self._last = 0
        self._now = 0
        self._finished = False
        self._public = PublicAddresses()
        self._output: dict[str, list[bytes]] = {"stdout": [], "stderr": []}
        self._kept = 0
        self.ended = False
        """Whether an `end` record was taken."""
        self._handlers: dict[type[Event], Callable[..., None]] = {
            End: self._end,
            Output: self._keep,
            **dict.fromkeys(PublicAddresses.TAKES, self._public.take),
        }

    def take(self, event: Event, line: bytes | None = None) -> None:
        """Take one record; `line` is its encoding where the caller has it already."""
        if type(event) is Finding:
            return
        self._write(event, line)
        for finding in self._fold(event):
            self._write(finding)

    def take_all(self, events: Sequence[Event], lines: bytes) -> None:
        """Take records that came at once, of which `lines` is the encoding, joined by newlines.

        What is the same for all of them is done once: most audits are floods of records that no
        detector has a word on.
        """
        if Finding in set(map(type, events)):
            for event, line in zip(events, lines.split(b"\n"), strict=True):
                self.take(event, line)
            return
        written = taken = 0
        each: list[bytes] = []
        try:
            for taken, event in enumerate(events, 1):
                if found := self._fold(event):
                    each = each or lines.split(b"\n")
                    self._record_lines(each[written:taken])
                    written = taken
                    for finding in found:
                        self._write(finding)
        finally:  # also when the user interrupts it: what was taken is in the log
            if not written and taken == len(events):
                self._record_lines([lines])
            else:
                self._record_lines((each or lines.split(b"\n"))[written:taken])

    def _record_lines(self, lines: Sequence[bytes]) -> None:
        if self._record is not None and lines:
            self._record(b"\n".join(lines))

    def _fold(self, event: Event) -> list[Finding]:
        self._now = event.ts
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event)
        self._analysis.feed(event)
        return self._pipeline.feed(event)

    def _end(self, _: End) -> None:
        self.ended = True
        if self._clock is not None:
            self._last = self._clock()

    def _keep(self, event: Output) -> None:
        if self._kept < MOST_OUTPUT:
            data = raw(event.data)
            self._output[event.stream].append(data)
            self._kept += len(data) + _OVERHEAD

    def enrich(self, enricher: Enricher) -> None:
        """Ask about the public addresses that the target used; call it after the last record."""
        for answer in enricher.look_up(self._public.found, self.now()):
            self.take(answer)

    def now(self) -> int:
        """The present moment of the log, in nanoseconds."""
        return self._clock() if self._clock is not None else self._now

    def _finish(self) -> None:
        if not self._finished:
            self._finished = True
            for finding in self._pipeline.finish():
                self._write(finding)

    def _write(self, event: Event, line: bytes | None = None) -> None:
        if self._record is not None:
            self._record(encode(event) if line is None else line)

    def conclude(self) -> Examined:
        """Judge what was taken, also when the log broke off, and make the report of it."""
        self._finish()
        pipeline = self._pipeline
        findings, failures, terms = pipeline.findings, pipeline.failures, pipeline.context.terms
        facts = self._analysis.facts()
        judgement = judge(findings, facts, failures=failures, policy=terms.policy)
        if self._clock is not None and self._last:
            now, last, self._last = self._clock(), self._last, 0  # told once
            self.take(Timing(ts=now, analysis_ms=(now - last) / 1e6))
        facts = self._analysis.facts()
        report = partial(
            build,
            judgement=judgement,
            watching=pipeline.definitions,
            skipped=pipeline.skipped,
            notes=pipeline.notes,
            uses=pipeline.uses,
            terms=terms,
            context=pipeline.context,
        )
        shown = report(facts)
        unmasked = facts.audit is not None and facts.audit.unmask
        return Examined(
            report=shown,
            evidence=report(_masked(facts)) if unmasked else shown,
            terms=terms,
            facts=facts,
            findings=findings,
            failures=failures,
            stdout=b"".join(self._output["stdout"]),
            stderr=b"".join(self._output["stderr"]),
        )


def _masked(facts: Facts) -> Facts:
    assert facts.audit is not None
    return replace(facts, audit=structs.replace(facts.audit, unmask=False))
