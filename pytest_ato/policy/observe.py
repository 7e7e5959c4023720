"""What a recorded audit did, as normalised facts: for baselines, and for suggested policies.

Owns the one pass over a log that this takes. A log that is not whole shows only a part of what its
target did, so it is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_ato.analysis import Analysis
from pytest_ato.detectors.context import Context
from pytest_ato.detectors.facts import Fact
from pytest_ato.detectors.interface import Detector
from pytest_ato.detectors.pipeline import Pipeline
from pytest_ato.eventlog import read_log
from pytest_ato.model.errors import CaptureIncomplete, UsageError
from pytest_ato.model.events import Audit, End
from pytest_ato.model.findings import Finding
from pytest_ato.model.policy import Terms
from pytest_ato.policy.wholeness import gaps
from pytest_ato.target.files import printable


@dataclass(frozen=True, kw_only=True)
class Observed:
    """What one audit showed."""

    audit: Audit
    end: End
    context: Context
    findings: tuple[Finding, ...]

    @property
    def behaviour(self) -> tuple[Fact, ...]:
        """What the target did, in the order of the log."""
        return self.context.behaviour.facts


def observe(
    log: Path, detectors: Iterable[type[Detector]] = (), terms: Terms | None = None
) -> Observed:
    """Read a log, with the findings that `detectors` make of it under `terms`.

    Raises `UsageError` for what is no log, `CaptureIncomplete` if it is not whole.
    """
    pipeline, analysis = Pipeline(detectors, replace(terms or Terms(), observe=True)), Analysis()
    for event in read_log(log):
        analysis.feed(event)
        pipeline.feed(event)
    pipeline.finish()
    facts = analysis.facts()
    if facts.audit is None:
        raise UsageError(f"{printable(log)} is no event log of an audit")
    missing = gaps(facts, pipeline.failures)
    if missing or facts.end is None:
        why = "; ".join(missing[:1]) or "it has no end"
        raise CaptureIncomplete(
            f"{printable(log)} is not whole ({why}): audit again before you rely on it"
        )
    return Observed(
        audit=facts.audit, end=facts.end, context=pipeline.context, findings=pipeline.findings
    )
