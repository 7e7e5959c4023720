"""What an audit leaves on an item: JUnit properties, and the judgement for the failure section.

Properties go to `item.user_properties`: they travel to the controller of pytest-xdist and into
`--junitxml`, and the terminal summary is made from them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from pytest_ato.plugin import subjects
from pytest_ato.plugin.session import session_of

if TYPE_CHECKING:
    from pytest_ato.audit import Outcome
    from pytest_ato.plugin.subjects import Judged

REPORT: Final = "ato_report"
VERDICT: Final = "ato_verdict"
RUN_ID: Final = "ato_run_id"
BASELINE: Final = "ato_baseline"
SHOWN: Final = pytest.StashKey[list[tuple["Outcome", "Judged"]]]()
"""Audits that a test has looked at, for the section under its failure."""


def record(item: pytest.Item, outcome: Outcome) -> None:
    """Put the audit's verdict, report and run id among the item's properties."""
    item.user_properties += [
        (VERDICT, str(outcome.report.verdict)),
        (REPORT, str(subjects.report_file(outcome.directory))),
        (RUN_ID, outcome.report.run_id),
    ]
    if line := session_of(item.config).baseline_lines.get(outcome.directory):
        item.user_properties.append((BASELINE, line))


def show(item: pytest.Item, outcome: Outcome, judged: Judged) -> None:
    """Record the audit of a test's fixture, and keep it for the section under a failure."""
    record(item, outcome)
    item.stash.setdefault(SHOWN, []).append((outcome, judged))
