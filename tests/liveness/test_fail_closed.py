"""What the capture process itself can run out of, or be kept from: never an approval."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import msgspec
import pytest

from pytest_ato.model.spec import AuditSpec
from pytest_ato.model.verdict import Verdict
from pytest_ato.target import resolve

pytestmark = pytest.mark.privileged

WITHIN = 5.0
"""Seconds within which everything has ended."""


@pytest.fixture(scope="module")
def auditor(faulty):
    """Its next audit has a new capture process when the last one died."""
    return faulty(grace=2)


@pytest.fixture
def gone(processes):
    """Check that no process with such a command line is left."""

    def check(text: bytes) -> None:
        lines = processes.below
        assert processes.eventually(
            lambda: not any(text in line for line in lines().values()), WITHIN
        )

    return check


def is_inconclusive(report, *words: str) -> None:
    assert (report.verdict, report.conclusive) == (Verdict.INCONCLUSIVE, False)
    for each in words:
        assert each in " | ".join(report.inconclusive)


def test_a_stopped_capture_process_is_given_up(auditor, vendor, meanwhile, gone):
    meanwhile("sleep\x00493", lambda _: os.kill(auditor.runtime.pid, signal.SIGSTOP))
    report = auditor.audit(vendor("exec sleep 493"), timeout=1).report
    is_inconclusive(report, "capture: capture ended early: it fell silent for ", "no end record")
    gone(b"sleep\x00493")


def test_one_that_is_stopped_for_a_moment_misses_nothing(auditor, vendor, meanwhile):
    def pause(target: int) -> None:
        os.kill(auditor.runtime.pid, signal.SIGSTOP)
        os.kill(target, signal.SIGTERM)
        time.sleep(0.5)
        os.kill(auditor.runtime.pid, signal.SIGCONT)

    meanwhile("sleep\x00494", pause)
    script = "sleep 494; for i in 1 2 3 4 5 6 7 8; do cat /etc/passwd > /tmp/copy$i; done"
    report = auditor.audit(vendor(script)).report
    assert (report.verdict, report.inconclusive) == (Verdict.APPROVE, ())
    assert {f"/tmp/copy{i}" for i in range(1, 9)} <= set(report.summary.written)


def test_capture_out_of_memory(auditor, vendor, gone):
    target = vendor("cat; ls -R /usr/share; exec sleep 497")
    report = auditor.audit(target, "after memory").report
    is_inconclusive(report, "capture: capture ended early: it", "no end record")
    gone(b"sleep\x00497")


def test_capture_out_of_descriptors(auditor, vendor, gone):
    """Each event on a marked file takes one for a moment."""
    target = vendor("cat; cat ~/.pgpass; exec sleep 496")
    report = auditor.audit(target, "after descriptors").report
    is_inconclusive(report, "capture failed: OSError: [Errno 24] Too many open files")
    gone(b"sleep\x00496")


def test_the_next_audit_is_whole_again(auditor, vendor):
    assert auditor.audit(vendor("exit 0")).report.verdict is Verdict.APPROVE


ONE_DESCRIPTOR = """
import os, pathlib, resource, sys
from pytest_ato.capture.fanotify import FileMarks
from pytest_ato.capture.sandbox.writable import PlantedFile
path = pathlib.Path(sys.argv[1])
marks = FileMarks()
marks.add([PlantedFile("/x", path.stat().st_dev, path.stat().st_ino, sys.argv[1])])
children = set()
for _ in range(40):
    children.add(os.fork())
    if 0 in children:
        path.read_bytes()
        os._exit(0)
    os.wait()
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
held = []
try:
    while True:
        held.append(os.dup(0))
except OSError:
    os.close(held.pop())
assert {event.pid for event in marks.read()} == children
"""


def test_no_touch_is_lost_for_want_of_descriptors(tmp_path):
    (tmp_path / "file").write_text("x")
    subprocess.run([sys.executable, "-c", ONE_DESCRIPTOR, tmp_path / "file"], check=True)


def test_a_full_disk_under_the_spool(faulty, flood):
    auditor = faulty(bulk=1 << 26, spool=0, disk=1 << 20)
    report = auditor.audit(flood, args=("2", "50000", "50000")).report
    is_inconclusive(report, "spool: the spool's disk refused captured events: No space left on dev")
    assert any("bulk counts disagree" in each for each in report.inconclusive)


def test_a_disk_under_the_spool_that_suffices(faulty, flood):
    auditor = faulty(bulk=1 << 26, spool=0, disk=256 << 20)
    report = auditor.audit(flood, args=("2", "50000", "50000")).report
    assert (report.verdict, report.inconclusive) == (Verdict.APPROVE, ())
    assert report.coverage.counters["bulk"].consumed >= 100_000


def test_an_output_that_the_caller_closes_ends_capture(faulty, vendor, processes):
    """Its input stays open, and an idle target gives it nothing to write."""
    target = resolve(str(vendor("exec sleep 495")))
    order = AuditSpec(run_id="0" * 32, target=target, network="none")
    capture = subprocess.Popen(
        faulty().runtime.command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with capture.stdin, capture.stdout:
        capture.stdin.write(msgspec.json.encode(order) + b"\n")
        capture.stdin.flush()
        processes.find("sleep\x00495", capture.pid)
        capture.stdout.close()
        assert capture.wait(WITHIN) == 0
