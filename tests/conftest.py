"""Markers for tests that need this machine's privileges, and their rule: where CI says that they
must run (`ATO_REQUIRE=privileged,...`), a missing privilege is a failure, never a skip."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import signal
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import HealthCheck, settings

from pytest_ato.model.findings import Severity
from pytest_ato.model.report import ReportFinding

# A busy machine is no failure: examples are bounded in number, not in time.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

pytest_plugins = ["pytester"]

# Of the sessions that tests start, none is to write into the job that runs these tests.
os.environ.pop("GITHUB_ACTIONS", None)


@pytest.fixture(scope="session", autouse=True)
def _own_keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have the tests, and what they start, sign with keys of their own and trust nobody's."""
    place = tmp_path_factory.mktemp("user")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(place / "state"))
        patch.setenv("XDG_CONFIG_HOME", str(place / "config"))
        yield


def pytest_configure() -> None:
    """Hear an interrupt, also where a shell started this in the background, deaf to it: programs
    that tests interrupt inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("privileged") is not None and os.geteuid() != 0:
        _lack("privileged", "this needs root, eBPF and bubblewrap")


@pytest.fixture(scope="session")
def lack() -> Callable[[str, str], NoReturn]:
    """Give a test up for what is lacking: ``lack("privileged", "BCC is not installed")``."""
    return _lack


def _lack(marker: str, reason: str) -> NoReturn:
    """Skip, or fail where tests with that marker must run."""
    if marker in os.environ.get("ATO_REQUIRE", "").split(","):
        pytest.fail(f"{marker} tests are required here (ATO_REQUIRE): {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def terminal() -> Callable[..., tuple[int, bytes]]:
    """Run a command on a terminal: ``terminal(words, cwd=..., env=...)`` returns its exit status
    and all that was shown. `stdout`: where standard output goes instead."""

    def run(
        words: Sequence[str], *, cwd: Path, env: Mapping[str, str], stdout: int | None = None
    ) -> tuple[int, bytes]:
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            words,
            cwd=cwd,
            env={**os.environ, "TERM": "xterm", **env},
            stdout=theirs if stdout is None else stdout,
            stderr=theirs,
        )
        os.close(theirs)
        told = b""
        with contextlib.suppress(OSError):  # what Linux says when the other side is closed
            while piece := os.read(ours, 1 << 16):
                told += piece
        os.close(ours)
        return process.wait(30), told

    return run


RESULTS = Path(__file__).parent / "samples/results.json"
"""What the last recorded run of samples and corpus came to; `docs/detectors.md` is made from it."""


@pytest.fixture(scope="session")
def recorded() -> Callable[[str, Iterable[ReportFinding]], dict[str, str]]:
    """``recorded(name, findings)``: the worst severity of each detector (info is none), which is as
    recorded under that name; with ``ATO_RECORD`` set, it is recorded."""

    def compare(name: str, findings: Iterable[ReportFinding]) -> dict[str, str]:
        worst: dict[str, Severity] = {}
        for one in findings:
            known = worst.setdefault(one.detector, one.severity)
            worst[one.detector] = max(known, one.severity, key=lambda severity: severity.rank)
        found = {name: str(severity) for name, severity in sorted(worst.items())}
        found = {name: severity for name, severity in found.items() if severity != Severity.INFO}
        if "ATO_RECORD" in os.environ:
            _record(name, found)
        assert json.loads(RESULTS.read_text()).get(name) == found, "record it: ATO_RECORD=1 pytest"
        return found

    return compare


def _record(name: str, found: dict[str, str]) -> None:
    with RESULTS.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        results = json.loads(file.read() or "{}") | {name: found}
        file.truncate(0)
        json.dump(results, file, indent=1, sort_keys=True)
        file.write("\n")
