"""A capture process in small, for tests: runs one sandbox in its own mount namespace.

Reads an `AuditSpec` as JSON from standard input; writes one JSON line when the target has started
(`Started`) and one at the end (`Outcome`). With the argument ``hold`` it
does not release the target.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from pathlib import Path

import msgspec

from pytest_ato.capture.cgroups import AuditCgroup
from pytest_ato.capture.rundir import RunDir
from pytest_ato.capture.sandbox.control import Closed, Empty, ExecFailed, SetupFailed, TargetExited
from pytest_ato.capture.sandbox.mounts import enter_private_mounts
from pytest_ato.capture.sandbox.sandbox import Sandbox
from pytest_ato.model.errors import AtoError
from pytest_ato.model.spec import AuditSpec


class Started(msgspec.Struct):
    init_pid: int
    pids: list[int]
    cgroup: str
    uid: int
    ready_ms: float
    planted: list[tuple[str, int, int]]


class Outcome(msgspec.Struct, kw_only=True):
    error: str = ""
    messages: list[str] = []
    status: int | None = None
    signal: int | None = None
    exec_errno: int | None = None
    setup: str = ""
    empty: bool = False
    timed_out: bool = False
    survivors: list[bytes] = []
    limits_hit: list[str] = []
    disk_full: bool = False
    stdout: bytes = b""
    stderr: bytes = b""
    after_exit_ms: float = 0.0


def main() -> None:
    spec = msgspec.json.decode(sys.stdin.buffer.read(), type=AuditSpec)
    base = Path(sys.argv[1])
    # What a careless caller hands down; the target must see none of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    os.set_inheritable(os.open("/etc/passwd", os.O_RDONLY), True)
    enter_private_mounts()
    try:
        with RunDir.claim(base) as rundir:
            cgroup = AuditCgroup(rundir, spec.run_id, spec.limits)
            try:
                with Sandbox(spec, cgroup=cgroup, rundir=rundir) as sandbox:
                    outcome = run(sandbox, spec, cgroup, rundir)
            finally:
                cgroup.remove()
    except AtoError as error:
        outcome = Outcome(error=f"{type(error).__name__}: {error}")
    say(outcome)


def say(record: msgspec.Struct) -> None:
    print(msgspec.json.encode(record).decode(), flush=True)


def run(sandbox: Sandbox, spec: AuditSpec, cgroup: AuditCgroup, rundir: RunDir) -> Outcome:
    begin = time.perf_counter()
    planted = sandbox.prepare()
    sandbox.start()
    ready_ms = (time.perf_counter() - begin) * 1e3
    names = [(file.path, file.dev, file.inode) for file in planted]
    pids = cgroup.pids()
    say(Started(sandbox.init_pid, pids, str(cgroup.path), rundir.uid, ready_ms, names))
    if "hold" in sys.argv:
        time.sleep(60)
    sandbox.release("01234567")
    os.write(sandbox.stdio.stdin, spec.stdin)
    sandbox.close_stdin()
    outcome = Outcome()
    watch(sandbox, spec.timeout, outcome)
    outcome.limits_hit = list(cgroup.limits_hit())
    outcome.disk_full = sandbox.disk_full()
    return outcome


def watch(sandbox: Sandbox, timeout: float, outcome: Outcome) -> None:
    deadline = time.monotonic() + timeout
    ended = 0.0
    poll = select.poll()
    for descriptor in (sandbox.control, sandbox.stdio.stdout, sandbox.stdio.stderr):
        poll.register(descriptor, select.POLLIN)
    open_ends = 3
    while open_ends:
        wait = deadline - time.monotonic()
        ready = poll.poll(max(wait, 0) * 1000)
        if not ready and not outcome.timed_out:
            outcome.timed_out = True
            outcome.survivors = sandbox.survivors()
            sandbox.kill()
            deadline = time.monotonic() + 10
        elif not ready:
            raise RuntimeError("the sandbox outlived its kill")
        for descriptor, _ in ready:
            if descriptor == sandbox.control:
                for message in sandbox.read_control():
                    note(message, outcome)
                    if isinstance(message, TargetExited):
                        ended = time.monotonic()
                    if isinstance(message, Empty):
                        outcome.after_exit_ms = (time.monotonic() - ended) * 1e3
                    if message == Closed():
                        poll.unregister(descriptor)
                        open_ends -= 1
                continue
            data = os.read(descriptor, 65536)
            if descriptor == sandbox.stdio.stdout:
                outcome.stdout += data[: (1 << 20) - len(outcome.stdout)]
            else:
                outcome.stderr += data[: (1 << 20) - len(outcome.stderr)]
            if not data:
                poll.unregister(descriptor)
                open_ends -= 1


def note(message: object, outcome: Outcome) -> None:
    outcome.messages.append(type(message).__name__)
    if isinstance(message, TargetExited):
        outcome.status, outcome.signal = message.status, message.signal
    elif isinstance(message, ExecFailed):
        outcome.exec_errno = message.errno
    elif isinstance(message, SetupFailed):
        outcome.setup = message.reason
    elif isinstance(message, Empty):
        outcome.empty = True


if __name__ == "__main__":
    main()
