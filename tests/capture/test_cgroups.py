from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from pytest_ato.capture import cgroupfs
from pytest_ato.capture.cgroups import AuditCgroup
from pytest_ato.capture.rundir import RunDir
from pytest_ato.model.errors import CaptureUnavailable
from pytest_ato.model.spec import Limits

HYBRID = """\
31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
39 31 0:36 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
41 31 0:38 / /sys/fs/cgroup/uni\\040fied rw,relatime - cgroup2 cgroup2 rw
"""
CONTAINER = "41 31 0:38 /docker/abc /nowhere/cgroup ro,relatime - cgroup2 cgroup2 rw\n"


def fake_proc(folder: Path, mountinfo: str, cgroup: str) -> Path:
    (folder / "mountinfo").write_text(mountinfo)
    (folder / "cgroup").write_text(cgroup)
    return folder


def test_a_hybrid_host(tmp_path):
    own = "9:name=systemd:/\n4:memory:/jobs/one\n2:cpu,cpuacct:/two\n0::/three\n"
    memory, cpu, unified = cgroupfs.hierarchies(fake_proc(tmp_path, HYBRID, own))
    assert (memory.version, memory.own) == (1, "/jobs/one")
    assert "memory" in memory.controllers
    assert (cpu.own, str(cpu.mount)) == ("/two", "/sys/fs/cgroup/cpu,cpuacct")
    assert {"cpu", "cpuacct"} <= cpu.controllers
    assert (unified.version, unified.own, unified.level) == (2, "/three", 0)
    assert str(unified.mount) == "/sys/fs/cgroup/uni fied"


def test_a_container_that_sees_a_part(tmp_path):
    (unified,) = cgroupfs.hierarchies(fake_proc(tmp_path, CONTAINER, "0::/docker/abc\n"))
    assert unified.level == 2
    assert unified.own_directory == Path("/nowhere/cgroup")


def test_no_hierarchy_at_all(tmp_path):
    assert cgroupfs.hierarchies(fake_proc(tmp_path, "", "0::/\n")) == ()


@pytest.fixture
def rundir(tmp_path):
    with RunDir.claim(tmp_path) as claimed:
        yield claimed


@pytest.fixture
def cgroup(rundir):
    made = AuditCgroup(rundir, uuid.uuid4().hex, Limits(memory=64 << 20, tasks=10))
    yield made
    made.remove()


@pytest.fixture
def inside(cgroup):
    """Run a Python program in the cgroup; it starts only once it is in."""
    started = []

    def _inside(text: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", f"input()\n{text}"]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        cgroup.enter(process.pid)
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.close()
        started.append(process)
        return process

    yield _inside
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


pytestmark = pytest.mark.privileged


def test_identity(cgroup):
    assert cgroup.id == cgroup.path.stat().st_ino
    assert os.fstat(cgroup.fd).st_ino == cgroup.id
    assert cgroup.level == 1
    assert cgroup.limits_hit() == ()


def test_list_and_kill(cgroup, inside):
    process = inside("import time; time.sleep(60)")
    assert cgroup.pids() == [process.pid]
    cgroup.kill()
    assert process.wait(60) == -9


def test_memory_is_limited_and_said(cgroup, inside):
    assert inside("x = bytearray(200 << 20)").wait(60) == -9
    assert cgroup.limits_hit() == ("memory",)


def test_tasks_are_limited_and_said(cgroup, inside):
    process = inside(
        "import os, time\nn = 0\ntry:\n    while os.fork():\n        n += 1\n    time.sleep(60)\n"
        "except BlockingIOError:\n    print(n, flush=True)"
    )
    assert process.stdout.readline() == "11\n"  # 10, bubblewrap, init; less the parent itself
    assert cgroup.limits_hit() == ("tasks",)


def test_removal_kills_what_is_left(cgroup, inside):
    process = inside("import time; time.sleep(60)")
    directories = [procs.parent for procs in cgroup.procs]
    begin = time.monotonic()
    cgroup.remove()
    assert time.monotonic() - begin < 30
    assert not any(directory.exists() for directory in directories)
    assert process.wait(60) == -9


@pytest.mark.parametrize(("limit", "controller"), [("memory", "memory"), ("tasks", "pids")])
def test_a_limit_without_a_controller_is_refused(rundir, monkeypatch, limit, controller):
    lacking = [one for one in cgroupfs.hierarchies() if controller not in one.controllers]
    monkeypatch.setattr(cgroupfs, "hierarchies", lambda: tuple(lacking))
    name = uuid.uuid4().hex
    with pytest.raises(CaptureUnavailable, match=f"--ato-limit {limit}=none"):
        AuditCgroup(rundir, name, Limits())
    assert not any(Path("/sys/fs/cgroup").glob(f"*/**/{cgroupfs.PREFIX}*{name}"))
    AuditCgroup(rundir, name, Limits(memory=None, tasks=None)).remove()


def test_no_cgroup2_is_refused_with_the_cure(rundir, monkeypatch):
    only_v1 = [one for one in cgroupfs.hierarchies() if one.version == 1]
    monkeypatch.setattr(cgroupfs, "hierarchies", lambda: tuple(only_v1))
    with pytest.raises(CaptureUnavailable, match="mount -t cgroup2"):
        AuditCgroup(rundir, uuid.uuid4().hex, Limits())
