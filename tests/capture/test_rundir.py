from __future__ import annotations

import grp
import pwd
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from pytest_ato.capture import cgroupfs, rundir
from pytest_ato.capture.rundir import RunDir

pytestmark = pytest.mark.privileged

HOLD = """
import sys, time
from pathlib import Path
from pytest_ato.capture.rundir import RunDir
rundir = RunDir.claim(Path(sys.argv[1]))
for name in sys.argv[2:]:
    rundir.note(Path(name))
    Path(name).mkdir()
print(rundir.slot, flush=True)
time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that claims a slot, and the cgroup directories that it makes."""
    started = []

    def _holder(*directories: Path) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", HOLD, str(tmp_path), *map(str, directories)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline()
        started.append(process)
        return process

    yield _holder
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()
    RunDir.claim(tmp_path).close()  # sweeps what the killed ones left


@pytest.fixture
def unified():
    return next(one.mount for one in cgroupfs.hierarchies() if one.version == 2)


def test_slots_and_uids_are_distinct_and_nobodys(tmp_path):
    rundirs = [RunDir.claim(tmp_path) for _ in range(3)]
    assert [rundir.slot for rundir in rundirs] == [0, 1, 2]
    uids = {rundir.uid for rundir in rundirs}
    assert len(uids) == 3
    assert uids.isdisjoint(entry.pw_uid for entry in pwd.getpwall())
    assert uids.isdisjoint(entry.gr_gid for entry in grp.getgrall())
    rundirs[1].close()
    assert RunDir.claim(tmp_path).slot == 1


def test_a_uid_that_is_taken_is_passed_over(tmp_path, monkeypatch):
    with RunDir.claim(tmp_path) as rundir:
        first = rundir.uid
    real = pwd.getpwuid
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: real(0) if uid == first else real(uid))
    with RunDir.claim(tmp_path) as rundir:
        assert rundir.uid != first


def test_close_leaves_nothing_and_is_idempotent(tmp_path):
    rundir = RunDir.claim(tmp_path)
    assert rundir.path.stat().st_mode & 0o777 == 0o700
    (rundir.path / "leftover").write_text("x")
    rundir.close()
    rundir.close()
    assert list(tmp_path.iterdir()) == []


def test_a_live_slot_is_neither_taken_nor_swept(tmp_path, holder, unified):
    directory = unified / f"{cgroupfs.PREFIX}test-{uuid.uuid4().hex}"
    holder(directory)
    with RunDir.claim(tmp_path) as rundir:
        assert rundir.slot == 1
        assert directory.exists()
        assert (tmp_path / "0").exists()


def test_a_dead_slot_is_swept_with_its_processes(tmp_path, holder, unified):
    directory = unified / f"{cgroupfs.PREFIX}test-{uuid.uuid4().hex}"
    owner = holder(directory)
    sleeper = subprocess.Popen(["sleep", "60"])
    (directory / "cgroup.procs").write_text(str(sleeper.pid))
    owner.kill()
    owner.wait()
    with RunDir.claim(tmp_path) as rundir:
        assert rundir.slot == 0
        assert not directory.exists()
    assert sleeper.wait(5) == -9


def test_the_sweep_touches_no_cgroup_but_ours(tmp_path, holder, unified):
    directory = unified / f"other-{uuid.uuid4().hex}"
    owner = holder(directory)
    sleeper = subprocess.Popen(["sleep", "60"])
    (directory / "cgroup.procs").write_text(str(sleeper.pid))
    owner.kill()
    owner.wait()
    try:
        RunDir.claim(tmp_path).close()
        assert directory.exists()
        assert sleeper.poll() is None
    finally:
        sleeper.kill()
        sleeper.wait()
        assert cgroupfs.processes(directory) == []
        directory.rmdir()


def test_the_lock_does_not_pass_to_programs(tmp_path):
    with RunDir.claim(tmp_path):
        listing = subprocess.run(
            ["ls", "-l", "/proc/self/fd"],
            capture_output=True,
            text=True,
            check=True,
            close_fds=False,
        )
    assert str(tmp_path) not in listing.stdout


def test_many_claim_at_once(tmp_path, holder):
    slots = [holder() for _ in range(4)]
    assert len(slots) == 4
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {f"{slot}{end}" for slot in range(4) for end in ("", ".lock")}


def test_the_ids_of_images_are_nobodys(tmp_path, monkeypatch):
    first = 0x70000000
    given = tmp_path / "subuid"
    given.write_text(f"#\nuser:100000:65536\nbroken:1\nother:{first + 65_535}:1\n")
    monkeypatch.setattr(rundir, "_SUBORDINATE", (given, tmp_path / "missing"))
    with rundir.RunDir.claim(tmp_path / "run") as one, rundir.RunDir.claim(tmp_path / "run") as two:
        assert one.first_id == first + rundir.SLOTS * 65_536
        assert two.first_id == first + 65_536
