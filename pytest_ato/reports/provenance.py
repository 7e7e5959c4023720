"""By what a report was made: tool, kernel, inputs, detectors, times, signer.

Owns the mapping from the log and the terms, masked on the way.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from pytest_ato import __version__
from pytest_ato.analysis import Facts
from pytest_ato.detectors.interface import Definition
from pytest_ato.evidence.views import View
from pytest_ato.model.policy import Terms
from pytest_ato.model.report import UNSIGNED, Provenance
from pytest_ato.reports import inputs


def provenance(
    facts: Facts, view: View, watching: Collection[Definition], terms: Terms
) -> Provenance:
    """Return by what one audit was captured, judged and signed."""
    spec = facts.audit.spec if facts.audit else None
    start = facts.start
    files = inputs.files(facts, terms, watching, view)
    return Provenance(
        tool_version=__version__,
        loader=view.text(start.loader if start else spec.loader if spec else ""),
        runtime=view.text(spec.runtime if spec else ""),
        privilege=view.text(spec.privilege if spec else ""),
        network=spec.network if spec else "",
        kernel=view.text(start.kernel if start else ""),
        manifest_sha256=inputs.manifest(files),
        inputs=files,
        tracer=view.text(start.tracer if start else ""),
        started=view.text(facts.audit.started if facts.audit else ""),
        signer=_signer(facts, view),
        detectors=tuple(sorted(view.text(f"{one.rule} {one.name}") for one in watching)),
        lists=view.texts(known.sentence for known in terms.lists.sources),
        policy_sha256=terms.policy_source.sha256 if terms.policy_source else "",
        baseline_sha256=terms.baseline_source.sha256 if terms.baseline_source else "",
        finished=_finished(facts),
        captured_by=view.text(facts.audit.tool_version if facts.audit else ""),
    )


def _finished(facts: Facts) -> str:
    """The wall clock at the end: that of the start, and what the kernel's clock says between."""
    if facts.audit is None or facts.end is None:
        return ""
    try:
        started = datetime.fromisoformat(facts.audit.started)
        finished = started + timedelta(microseconds=(facts.end.ts - facts.audit.ts) // 1_000)
    except (ValueError, OverflowError):
        return ""
    return finished.isoformat(timespec="milliseconds")


def _signer(facts: Facts, view: View) -> str:
    told = facts.signing
    if told is None:
        return ""
    if told.problem or not told.signer:
        return view.text(f"{UNSIGNED}: {told.problem or 'no key'}", 600)
    return view.text(f"{told.key} in {told.signer}", 600)
