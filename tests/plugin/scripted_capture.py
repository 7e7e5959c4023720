"""A capture process that plays a part: events by the words in the target's file name.

The face's tests use it where the question is what pytest shows, not what the kernel saw; all above
capture (detectors, verdict, reports) is real. In a subprocess: ``-p scripted_capture``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest_ato.audit.auditor
from pytest_ato.model import events as ev
from pytest_ato.model.errors import CaptureUnavailable
from pytest_ato.model.spec import AuditSpec
from pytest_ato.runtime.interface import Runtime

INIT, ROOT, CHILD = 99, 100, 101
JOURNAL = "ATO_TEST_JOURNAL"
"""Variable that names a file to which each audit appends its target, start and end."""

STARTED = "ATO_TEST_STARTED"
"""Variable that names a file which is made when an audit starts."""


STEPS = "ATO_TEST_STEPS"
"""Variable with lines that are told as steps of a start that takes long."""


class ScriptedCapture(Runtime):
    """Plays ``vendor-shell-odd``: a reverse shell, then exit status 3."""

    name = "local"
    closed = 0

    def start(self) -> None:
        for step in os.environ.get(STEPS, "").splitlines():
            self.progress(step)

    def close(self) -> None:
        ScriptedCapture.closed += 1

    def last_words(self) -> str:
        return "it was told to"

    def audit(self, spec: AuditSpec) -> Iterator[bytes]:
        acts = spec.target.name.split("-")
        if "unavailable" in acts:
            raise CaptureUnavailable("this machine has no BTF: install a kernel that has it")
        if "bug" in acts:
            raise ZeroDivisionError("a defect of ours")
        started = time.monotonic()
        if path := os.environ.get(STARTED):
            Path(path).touch()
        if "slow" in acts:
            time.sleep(1.0)
        if "endless" in acts:
            time.sleep(3600)
        if path := os.environ.get(JOURNAL):
            with Path(path).open("a") as journal:
                journal.write(f"{spec.target.name} {started} {time.monotonic()}\n")
        for event in self._events(spec, acts):
            yield ev.encode(event)

    def _events(self, spec: AuditSpec, acts: list[str]) -> Iterator[ev.Event]:
        now = time.monotonic_ns()
        yield ev.Start(
            ts=now,
            kernel="6.18",
            loader="core",
            attach_ms=1.0,
            probes={"sched_process_exec": "live"},
            init=INIT,
            uid=1000,
            home=spec.home,
            program=spec.target.program,
        )
        yield ev.Fork(ts=now + 1, pid=INIT, child=ROOT)
        program = spec.target.program
        yield ev.Exec(ts=now + 2, pid=ROOT, path=program, file=program, argv=(program,))
        if "rawip" in acts:  # medium: leads to REVIEW
            for source in ("syscall", "kernel"):
                yield ev.Connect(
                    ts=now + 3,
                    pid=ROOT,
                    source=source,
                    family="inet",
                    address="203.0.113.9",
                    port=4444,
                    protocol="tcp",
                    cookie=7,
                )
        if "shell" in acts:  # critical: leads to REJECT
            yield ev.Fork(ts=now + 4, pid=ROOT, child=CHILD)
            yield ev.Exec(
                ts=now + 5,
                pid=CHILD,
                path="/bin/sh",
                file="/usr/bin/dash",
                argv=("sh", "-i"),
                stdio=("tcp", "tcp", "tcp"),
            )
        yield ev.Output(ts=now + 6, stream="stdout", data=f"hello {spec.network}\n")
        if "lost" in acts:
            yield ev.Lost(ts=now + 7, source="ring", reason="7 events were lost", count=7)
        if "silent" in acts:
            return
        ended = "timeout" if "hang" in acts else "exit"
        yield ev.End(
            ts=now + 8,
            ended=ended,
            status=3 if "odd" in acts else 0,
            run_ms=3.0,
            counters={"critical": ev.Counters(produced=5, consumed=5), "bulk": ev.Counters()},
            output_bytes={"stdout": 6},
        )


def install() -> None:
    """Let every auditor of this process use it."""
    pytest_ato.audit.auditor.choose = lambda *_: ScriptedCapture()


if os.environ.get("ATO_TEST_SCRIPTED"):
    install()
