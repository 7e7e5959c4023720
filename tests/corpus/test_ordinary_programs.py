"""Ordinary programs come out APPROVE: no detector mistakes everyday work for an attack."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ato.audit import Auditor, Inputs, Options, replay
from pytest_ato.model.verdict import Verdict
from pytest_ato.policy import decode
from pytest_ato.reports.registry import EVENTS
from pytest_ato.target import resolve

pytestmark = pytest.mark.privileged

PROGRAMS = Path(__file__).parent / "programs"
SCRIPTS = sorted(path.name for path in PROGRAMS.iterdir())

COMMANDS = [
    ("/bin/true", []),
    ("/bin/ls", ["-R", "/usr/lib/python3"]),
    ("/usr/bin/find", ["/etc", "-type", "f", "-size", "+1k"]),
    ("/usr/bin/openssl", ["dgst", "-sha256", "/etc/services"]),
    ("/usr/bin/perl", ["-MList::Util=sum", "-e", "print sum(1..10)"]),
    ("/usr/bin/node", ["-e", "console.log([1, 2, 3].map((n) => n * n))"]),
    ("/usr/bin/sqlite3", [":memory:", "select sqlite_version()"]),
    ("/usr/bin/ssh", ["-V"]),
    ("/bin/busybox", ["sha256sum", "/etc/services"]),
    ("/usr/bin/wget", ["-q", "-O", "-", "http://downloads.vendor.example/"]),
    ("/usr/bin/git", ["ls-remote", "http://code.vendor.example/project.git"]),
]


DECLARED = {"updater.py": ("beaconing", "declared: {domains: [updates.vendor.example]}")}
"""Programs that really do what a detector is for, that detector, and what silences it."""


def is_quiet(trace, recorded, name: str) -> None:
    assert recorded(f"corpus: {name}", trace.findings) == {}
    assert trace.verdict is Verdict.APPROVE, [finding.title for finding in trace.findings]
    assert list(trace.events)


def test_there_are_enough() -> None:
    assert len(SCRIPTS) + len(COMMANDS) >= 40


@pytest.mark.parametrize("name", [name for name in SCRIPTS if name not in DECLARED])
def test_script(ato_trace, recorded, name: str) -> None:
    trace = ato_trace(PROGRAMS / name, timeout=60)
    assert trace.returncode == 0, trace.stdout
    is_quiet(trace, recorded, name)


@pytest.mark.parametrize(("program", "args"), COMMANDS, ids=lambda value: Path(str(value)).name)
def test_command(ato_trace, recorded, program: str, args: list[str]) -> None:
    trace = ato_trace(program, args=args)
    assert trace.returncode == 0, trace.stdout
    is_quiet(trace, recorded, Path(program).name)


@pytest.mark.parametrize("name", DECLARED)
def test_what_is_declared_is_quiet(tmp_path: Path, recorded, name: str) -> None:
    detector, policy = DECLARED[name]
    with Auditor(report_dir=tmp_path) as auditor:
        outcome = auditor.audit(resolve(str(PROGRAMS / name), ()), Options())
    assert detector in {finding.detector for finding in outcome.report.findings}
    inputs = Inputs.recorded(decode.loads(policy))
    report = replay(outcome.directory / EVENTS, inputs=inputs).report
    assert recorded(f"corpus: {name}, declared", report.findings) == {}
    assert report.verdict is Verdict.APPROVE, report.reason
