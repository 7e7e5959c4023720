"""Whoever dies in the middle: the audit is INCONCLUSIVE or interrupted, and nothing lives on."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path

import pytest

from pytest_ato.capture.rundir import RunDir
from pytest_ato.cli import INCONCLUSIVE, INTERRUPTED
from pytest_ato.model.verdict import Verdict

pytestmark = [pytest.mark.privileged, pytest.mark.serial]

CAPTURE = "pytest_ato.capture\0"
SINKHOLE = "pytest_ato.capture.sinkhole"
PROXY = "-m\0inside\0"
IDLE = "touch began; sleep 0.3; exec sleep 47{}"
WITHIN = 5.0
"""Seconds within which everything has ended."""


@pytest.fixture(scope="module", autouse=True)
def swept(nothing_left):
    """What a killed capture process left, the next start sweeps."""
    yield
    RunDir.claim().close()


@pytest.fixture
def kill_during(processes, nothing_left):
    """Kill a process of this module's, found by its command line, once the target runs."""
    threads = []

    def start(victim: str, target: str) -> None:
        def work() -> None:
            processes.find(target)
            for pid, line in processes.below().items():
                if victim.encode() in line and pid not in nothing_left:
                    os.kill(pid, signal.SIGKILL)

        threads.append(threading.Thread(target=work))
        threads[-1].start()

    yield start
    for thread in threads:
        thread.join()


@pytest.fixture
def all_gone(processes):
    """Check that everything started since is gone within the time for it."""
    before = processes.own()

    def check() -> None:
        assert processes.eventually(lambda: not processes.own() - before, WITHIN), processes.below()

    return check


def test_a_killed_capture_process_makes_the_audit_inconclusive(
    audit, kill_during, processes, nothing_left
):
    kill_during(CAPTURE, "sleep\x00471")
    report = audit(IDLE.format(1)).report
    assert (report.verdict, report.conclusive) == (Verdict.INCONCLUSIVE, False)
    assert any(
        "capture ended early: it was killed by signal 9" in each for each in report.inconclusive
    )
    assert not processes.own() - nothing_left
    assert report.summary.events > 0  # what was seen is kept
    assert audit("exit 0").report.verdict is Verdict.APPROVE  # in a new capture process


def test_a_killed_sinkhole_makes_the_audit_inconclusive(audit, kill_during):
    kill_during(SINKHOLE, "sleep\x001.472")
    report = audit("exec sleep 1.472").report
    assert report.verdict is Verdict.INCONCLUSIVE
    assert any("the sinkhole failed during the audit" in each for each in report.inconclusive)
    assert report.ended.how == "exit"
    assert audit("exit 0").report.verdict is Verdict.APPROVE  # with a new sinkhole


def test_a_killed_proxy_makes_the_audit_inconclusive(audit, kill_during):
    kill_during(PROXY, "sleep\x001.478")
    fetch = "curl -sS -m 20 -o /dev/null https://www.vendor.example/"
    report = audit(f"{fetch}; exec sleep 1.478").report
    assert report.verdict is Verdict.INCONCLUSIVE
    assert any("the TLS proxy failed during the audit" in each for each in report.inconclusive)
    assert audit(fetch).report.verdict is Verdict.APPROVE  # with a new proxy


def test_a_killed_sandbox_makes_the_audit_inconclusive(audit, kill_during):
    kill_during("--args", "sleep\x00473")
    report = audit(IDLE.format(3)).report
    assert (report.verdict, report.ended.how) == (Verdict.INCONCLUSIVE, "interrupted")
    assert report.reason == "the audit was interrupted: the sandbox was killed"


@pytest.mark.parametrize("again", [False, True], ids=["once", "twice"])
def test_ctrl_c_ends_ato_run(commands, processes, all_gone, vendor, tmp_path, again):
    process = commands.ato(vendor(IDLE.format(4)))
    processes.find("sleep\x00474", process.pid)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    if again:
        os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=WITHIN)
    assert (process.returncode, out, err) == (INTERRUPTED, "", "ato: interrupted\n")
    all_gone()
    assert_no_approval(tmp_path, again)


def test_ctrl_c_ends_pytest(commands, processes, all_gone, vendor, tmp_path):
    process = commands.pytest(f"--ato-target={vendor(IDLE.format(5))}")
    processes.find("sleep\x00475", process.pid)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=WITHIN)
    assert process.returncode == pytest.ExitCode.INTERRUPTED
    assert "Traceback" not in out + err
    assert "KeyboardInterrupt" in out
    all_gone()
    assert_no_approval(tmp_path)


def assert_no_approval(folder: Path, may_be_missing: bool = False) -> None:
    """What was seen until then is kept, as evidence of nothing more than that."""
    assert not list(folder.glob("ato-report/.ato-*"))
    reports = list(folder.glob("ato-report/*/report.json"))
    assert len(reports) == 1 or may_be_missing
    for report in reports:
        shown = json.loads(report.read_text())
        assert shown["verdict"] == "INCONCLUSIVE"
        assert any("the audit was interrupted" in each for each in shown["inconclusive"])
        assert "began" in (report.parent / "events.jsonl").read_text()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_killed_ato_leaves_nothing_alive(commands, processes, all_gone, vendor, tmp_path, number):
    script = "(setsid sleep 476 &); (trap '' TERM HUP INT; sleep 476) & exec sleep 476"
    process = commands.ato(vendor(script))
    below_a_target(processes, process.pid)
    os.kill(process.pid, number)
    process.communicate(timeout=WITHIN)
    all_gone()
    assert not list(tmp_path.glob("ato-report/*/report.json"))


def test_a_killed_pytest_leaves_nothing_alive_and_the_next_start_tidies(
    commands, processes, all_gone, vendor, tmp_path
):
    process = commands.pytest(f"--ato-target={vendor(IDLE.format(7))}")
    target = processes.find("sleep\x00477", process.pid)
    capture = processes.find(CAPTURE, process.pid)
    groups = Path(f"/proc/{target}/cgroup").read_text().split()
    name = next(group for group in groups if "/pytest-ato-" in group).rpartition("/")[2]
    for pid in (capture, process.pid):  # capture first, so that it cannot clean up
        os.kill(pid, signal.SIGKILL)
    process.communicate(timeout=WITHIN)
    all_gone()
    assert directories(name)
    assert list(tmp_path.glob("ato-report/.ato-staging-*"))
    following = commands.ato("-q", vendor("exit 0"))
    assert "APPROVE" in following.communicate(timeout=60)[0]
    assert not directories(name)
    assert not list(tmp_path.glob("ato-report/.ato-*"))


def directories(name: str) -> list[str]:
    return [top for top, _, _ in os.walk("/sys/fs/cgroup") if top.endswith(name)]


def below_a_target(processes, root: int) -> None:
    """Wait until the whole tree of the target stands."""
    wanted = b"sleep\x00476"
    assert processes.eventually(
        lambda: sum(line.startswith(wanted) for line in processes.below(root).values()) == 3, 20
    )


def test_a_capture_process_killed_under_ato_run_is_no_approval(commands, processes, vendor):
    process = commands.ato("-q", vendor(IDLE.format(8)))
    processes.find("sleep\x00478", process.pid)
    os.kill(processes.find(CAPTURE, process.pid), signal.SIGKILL)
    out, err = process.communicate(timeout=WITHIN)
    assert (process.returncode, err) == (INCONCLUSIVE, "")
    assert out.startswith("tool: INCONCLUSIVE: ")
