"""What went into an audit, by digest, and the one digest over all of it.

Owns what counts as an input: whatever, were it another file, could make another report. What the
target was given by value (arguments, variables, limits) stands in the log itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from pytest_ato.analysis import Facts
from pytest_ato.detectors.interface import Definition
from pytest_ato.evidence.views import View
from pytest_ato.model.policy import Terms
from pytest_ato.model.report import ReportInput
from pytest_ato.model.spec import AuditSpec


def files(
    facts: Facts, terms: Terms, watching: Iterable[Definition], view: View
) -> tuple[ReportInput, ...]:
    """Return the inputs in a fixed order: the target's first, then what it is judged by."""
    found = (
        *_of_target(facts.audit.spec if facts.audit else None),
        *_of_terms(terms),
        *sorted({("rules", one.source.name, one.source.sha256) for one in watching if one.source}),
        *sorted({("table", one.table, one.table_sha256) for one in facts.enrichment.values()}),
    )
    return tuple(
        ReportInput(kind=kind, name=view.text(name), sha256=view.text(digest))
        for kind, name, digest in found
        if digest
    )


def manifest(inputs: Iterable[ReportInput]) -> str:
    """Return the SHA-256 over lines of ``sha256  kind name``; empty for no inputs."""
    lines = "".join(f"{each.sha256}  {each.kind} {each.name}\n" for each in inputs)
    return hashlib.sha256(lines.encode()).hexdigest() if lines else ""


def _of_target(spec: AuditSpec | None) -> Iterator[tuple[str, str, str]]:
    if spec is None:
        return
    target = spec.target
    yield "target", target.name, target.sha256
    yield "files", f"{len(target.placed)} shown to the target", target.manifest_sha256
    if spec.stdin:
        yield "stdin", "standard input", hashlib.sha256(spec.stdin).hexdigest()


def _of_terms(terms: Terms) -> Iterator[tuple[str, str, str]]:
    for kind, source in (("policy", terms.policy_source), ("baseline", terms.baseline_source)):
        if source is not None:
            yield kind, source.name, source.sha256
    for known in terms.lists.sources:
        yield "list", known.name, known.sha256
