"""A target that takes more than it may: stopped, said, and pid 1 lives to report."""

from __future__ import annotations

import json

import pytest

from pytest_ato.model.spec import Limits

pytestmark = pytest.mark.privileged

MIB = 1 << 20


def test_processes(run):
    text = """
import os, time
made = 0
try:
    for _ in range(100):
        if os.fork() == 0:
            time.sleep(30)
            os._exit(0)
        made += 1
except BlockingIOError:
    pass
print(made, flush=True)
os.killpg(0, 9)
"""
    outcome = run(text, python=True, limits=Limits(tasks=20))
    assert outcome.stdout == b"19\n"  # and the one that counts
    assert outcome.limits_hit == ["tasks"]
    assert outcome.empty


def test_threads_count_as_processes(run):
    text = """
import threading, time
made = 0
try:
    for made in range(100):
        threading.Thread(target=time.sleep, args=(0.5,), daemon=True).start()
except RuntimeError:
    print(made)
"""
    outcome = run(text, python=True, limits=Limits(tasks=20))
    assert outcome.stdout == b"19\n"
    assert outcome.limits_hit == ["tasks"]


def test_a_fork_bomb_ends_with_its_time(run):
    bomb = "f() { f | f & }; f; sleep 60"
    outcome = run(bomb, limits=Limits(tasks=50), timeout=2.0)
    assert "tasks" in outcome.limits_hit
    assert len(outcome.survivors) <= 50


def test_memory(run):
    text = "hoard = bytearray(300 << 20)\nprint('has it')"
    outcome = run(text, python=True, limits=Limits(memory=64 * MIB))
    assert (outcome.signal, outcome.stdout) == (9, b"")
    assert outcome.limits_hit == ["memory"]
    assert outcome.messages == ["TargetExited", "Empty", "Closed"]


def test_files_count_as_memory(run):
    text = "head -c 200M /dev/zero >/tmp/x; echo $?"
    outcome = run(text, limits=Limits(memory=64 * MIB))
    assert outcome.stdout != b"0\n"
    assert outcome.limits_hit == ["memory"]


def test_enough_memory_is_no_hit(run):
    text = "hoard = bytearray(30 << 20)\nprint('has it')"
    outcome = run(text, python=True, limits=Limits(memory=128 * MIB))
    assert outcome.stdout == b"has it\n"
    assert outcome.limits_hit == []


@pytest.mark.parametrize("place", ["/tmp", "/var/tmp", "/dev/shm", "/home/user", "/root"])
def test_disk(run, place):
    outcome = run(f"cat /dev/zero > {place}/x; wc -c < {place}/x", limits=Limits(disk=8 * MIB))
    assert 7 * MIB < int(outcome.stdout) <= 8 * MIB
    assert b"No space left" in outcome.stderr
    assert outcome.disk_full


def test_all_writable_places_share_one_disk(run):
    places = "/tmp /var/tmp /dev/shm /home/user"
    text = f"for p in {places}; do head -c 3M /dev/zero > $p/x; done; cat /*/x /*/*/x | wc -c"
    outcome = run(text, limits=Limits(disk=8 * MIB))
    assert b"No space left" in outcome.stderr
    assert outcome.disk_full


def test_every_writable_mount_is_bounded(run):
    text = """
import json, os
places = []
for line in open("/proc/self/mountinfo"):
    place = line.split()[4]
    for folder, names, _ in os.walk(place):
        names[:] = [n for n in names if not os.path.ismount(f"{folder}/{n}")]
        if folder.startswith(("/proc", "/usr")):
            names.clear()
        elif os.access(folder, os.W_OK):
            places.append([folder, os.statvfs(folder).f_blocks * os.statvfs(folder).f_frsize])
print(json.dumps(places))
"""
    outcome = run(text, python=True, limits=Limits(disk=8 * MIB))
    places = dict(json.loads(outcome.stdout))
    assert {"/home/user", "/root", "/tmp", "/var/tmp", "/dev/shm"} <= set(places)
    assert set(places.values()) == {8 * MIB}


def test_files_without_end(run):
    text = "i=0; while true > /tmp/$i; do i=$((i+1)); done; echo $i"
    outcome = run(text, limits=Limits(disk=4 * MIB))
    assert 900 < int(outcome.stdout.split()[-1]) <= 1024
    assert outcome.disk_full


def test_no_core_few_descriptors_free_address_space(run):
    outcome = run("ulimit -c; ulimit -n; ulimit -v; cat /proc/self/oom_score_adj")
    assert outcome.stdout == b"0\n4096\nunlimited\n500\n"


def test_limits_can_be_lifted(run):
    outcome = run("echo ran", limits=Limits(memory=None, tasks=None))
    assert outcome.stdout == b"ran\n"
    assert outcome.limits_hit == []
