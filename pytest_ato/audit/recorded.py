"""A recorded audit, examined again: no capture, no target, the same report from the same log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from pytest_ato.audit.order import Inputs
from pytest_ato.audit.outcome import Outcome, conclude
from pytest_ato.detectors import registry
from pytest_ato.detectors.interface import Detector
from pytest_ato.eventlog import read_log
from pytest_ato.examination import Examination
from pytest_ato.model.errors import UsageError
from pytest_ato.model.events import AnyEvent, Audit, Enrichment
from pytest_ato.model.octets import show
from pytest_ato.model.policy import Terms
from pytest_ato.reports.directory import ReportDirectory


def replay(
    events: Path,
    *,
    report_dir: Path | None = None,
    extra_detectors: Sequence[type[Detector]] = (),
    inputs: Inputs | None = None,
    progress: Callable[[str], None] | None = None,
) -> Outcome:
    """Examine a recorded audit again: no root, no target, the same report from the same log.

    The log's own answers of registries are used, unless `inputs` has whom to ask anew.

    With a `report_dir`, the log and its new report are written there under the target's name.
    `progress` gets words about how far it is, for who waits. A
    log that cannot be read to its end is INCONCLUSIVE; raises UsageError for one that cannot be
    read at all.
    """
    detectors = registry.load(extra_detectors)
    inputs = inputs or Inputs.recorded(Terms())
    told = partial(_tell, progress, events.name) if progress else None
    if report_dir is None:
        examination = Examination(detectors, terms=inputs.terms)
        _take_all(events, examination, inputs, told)
        return Outcome(directory=events.parent, examined=examination.conclude())
    with ReportDirectory(report_dir, _name(events)) as place:
        examination = Examination(detectors, place.append, terms=inputs.terms)
        _take_all(events, examination, inputs, told)
        return conclude(examination, place, None)


def _tell(progress: Callable[[str], None], name: str, share: float) -> None:
    progress(f"examining {show(name, 60)}: {share:.0%}")


def _take_all(
    events: Path,
    examination: Examination,
    inputs: Inputs,
    told: Callable[[float], None] | None,
) -> None:
    first = _first(events)
    enricher = inputs.enricher(first.spec.network) if isinstance(first, Audit) else None
    for event in read_log(events, told):
        if not (enricher and isinstance(event, Enrichment)):
            examination.take(event)
    if enricher:
        examination.enrich(enricher)


def _first(events: Path) -> AnyEvent | None:
    return next(read_log(events), None)


def _name(events: Path) -> str:
    first = _first(events)
    if not isinstance(first, Audit):
        raise UsageError("this is not an event log: it does not start with an audit record")
    return first.spec.target.name
