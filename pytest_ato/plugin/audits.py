"""What the fixtures do once a test uses them: find the subject, audit it, judge it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_ato import wording
from pytest_ato.model.errors import AtoError, UsageError
from pytest_ato.model.octets import show
from pytest_ato.plugin import properties, requests, subjects
from pytest_ato.plugin.session import session_of
from pytest_ato.plugin.trace import Trace

if TYPE_CHECKING:
    from pytest_ato.plugin.findings import Findings
    from pytest_ato.plugin.requests import Request
    from pytest_ato.plugin.subjects import Subject


def trace(item: pytest.Item, request: Request, base: Path, call: int) -> Trace:
    """Audit what `ato_trace` was called for; raises `AtoError`."""
    session = session_of(item.config)
    subject = requests.subject(request, item, session, base)
    directory = subjects.hashed_name(subject, (item.nodeid, str(call)))
    outcome = session.audit(subject, directory)
    judged = session.judge(outcome, requests.allowed(item))
    properties.show(item, outcome, judged)
    return Trace(outcome, judged)


def findings(item: pytest.Item, subject: Subject) -> Findings:
    """Audit a subject once in the session, and judge it for this test."""
    session = session_of(item.config)
    try:
        outcome = session.outcome(subject)
        judged = session.judge(outcome, requests.allowed(item))
    except AtoError as error:
        problem = str(error)
    else:
        properties.show(item, outcome, judged)
        return judged.findings
    pytest.fail(f"{subject.name} could not be audited: {show(problem, 600)}", pytrace=False)


def subjects_of(node: pytest.Item) -> list[Subject]:
    """Subjects of a test: those of its closest `ato_target` markers, else the command line's.

    Raises `UsageError` for a malformed marker or option.
    """
    session = session_of(node.config)
    marked = list(node.iter_markers_with_node("ato_target"))
    closest = [mark for owner, mark in marked if owner is marked[0][0]]
    if not closest:
        return [
            requests.with_markers(subject, node, session) for subject in session.subjects.values()
        ]
    base = node.config.invocation_params.dir
    return [requests.subject(requests.from_marker(mark), node, session, base) for mark in closest]


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Make one test for each target, and announce the names of marked ones."""
    try:
        found = subjects_of(metafunc.definition)
    except UsageError as error:
        raise pytest.Collector.CollectError(f"{metafunc.definition.nodeid}: {error}") from None
    session = session_of(metafunc.config)
    for subject in found:
        session.claim(subject)
    if len(found) > 1:
        named = subjects.unique_names(found)
        metafunc.parametrize("ato_subject", list(named.values()), ids=list(named), indirect=True)


def section(item: pytest.Item) -> str:
    """The table under a failing test: what its audits found, and what would accept it."""
    lines: list[str] = []
    for outcome, judged in item.stash.get(properties.SHOWN, []):
        judgement = judged.judgement
        lines.append(f"{outcome.report.target.name}: {judgement.verdict} ({judgement.reason})")
        lines += wording.findings_text(judgement.findings)
        lines += wording.incomplete(judgement.inconclusive)
        lines += wording.not_run(judged.not_run)
        lines.append(wording.report_line(outcome.directory))
        names = dict.fromkeys(finding.detector for finding in judgement.findings)
        if names:
            quoted = ", ".join(f'"{name}"' for name in names)
            lines.append(f"accept them with: @pytest.mark.ato_allow({quoted})")
    return "\n".join(lines)
