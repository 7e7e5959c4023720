"""The terminal: one header line, and what each target did, in at most eight lines each.

Made from the reports on disk that items name in their properties, so it is the same with and
without pytest-xdist.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest

from pytest_ato import wording
from pytest_ato.acceptance import DRIFT
from pytest_ato.model.malformed import MALFORMED
from pytest_ato.model.report import Report
from pytest_ato.plugin.properties import BASELINE, REPORT
from pytest_ato.plugin.session import session_of
from pytest_ato.reports import github
from pytest_ato.reports.terminal import summary_lines
from pytest_ato.runtime.automatic import decide
from pytest_ato.wording import short_path

_FULL = 6
"""More audits than this are told in one line each."""
_MOST = 30


def header(config: pytest.Config) -> str:
    """Say how audits run and where reports go."""
    settings = session_of(config).settings
    return (
        f"ato: {_runtime(settings.runtime)}, {settings.loader} loader, {settings.network} network, "
        f"reports in {short_path(settings.report_dir)}"
    )


def _runtime(name: str) -> str:
    """Where audits run; if that was left to us, also why."""
    if name != "auto":
        return f"{name} runtime"
    decision = decide()
    return f"{decision.name} runtime ({decision.why})"


def summary(terminal: pytest.TerminalReporter, reports: Iterable[pytest.TestReport]) -> None:
    """Write the section; nothing when no test that ran has an audit."""
    properties = [pair for report in reports for pair in report.user_properties]
    found = {Path(str(value)): None for name, value in properties if name == REPORT}
    if not found:
        return
    brief = terminal.verbosity < 0 or len(found) > _FULL
    if terminal.verbosity >= 0:
        terminal.write_sep("=", "ato")
    told = [_write(terminal, path, brief) for path in list(found)[:_MOST]]
    if len(found) > _MOST:
        terminal.write_line(f"... and {len(found) - _MOST} more audits")
    rest = [_read(path) for path in list(found)[_MOST:]]
    known = [report for report in (*told, *rest) if report is not None]
    baselines = dict.fromkeys(str(value) for name, value in properties if name == BASELINE)
    for line in (*wording.waivers(known), *baselines, *github.publish(known, os.environ)):
        terminal.write_line(line)
    if any(finding.detector == DRIFT for report in known for finding in report.findings):
        command = session_of(terminal.config).command_with(["--ato-update-baseline"])
        terminal.write_line(f"accept what differs from the baseline with: {command}")


def _read(path: Path) -> Report | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Report)
    except (OSError, *MALFORMED):
        return None


def _write(terminal: pytest.TerminalReporter, path: Path, brief: bool) -> Report | None:
    report = _read(path)
    if report is None:
        terminal.write_line(f"{path.parent.name}: its report is not on this machine: {path}")
        return None
    writer = terminal._tw  # the only place that knows width and colour; pytest's own plugins do so
    if brief:
        lines = [
            f"{report.target.name}: {report.verdict}: {report.reason}, {short_path(path.parent)}"
        ]
    else:
        where = short_path(path.parent)
        lines = summary_lines(report, writer.fullwidth, writer.hasmarkup, where)
    for line in lines:
        terminal.write_line(line)
    return report
