"""fileless_exec: what has no file on disk when it runs; and what only comes near it."""

from __future__ import annotations

import os

import pytest

from pytest_ato.detectors.fileless_exec import FilelessExec
from pytest_ato.model import events as ev
from pytest_ato.model.findings import Category, Severity

PYTHON = "/usr/bin/python3.11"


def memfd(log, pid: int, name: str = "worker", fd: int = 3) -> None:
    log.add(ev.Memfd, pid=pid, name=name, result=fd)


def test_execveat_of_a_memfd(log, detect) -> None:
    memfd(log, log.root)
    child = log.fork(log.root)
    log.exec(child, "/dev/fd/3", file="/memfd:worker (deleted)", links=0, call="execveat")
    (finding,) = detect(FilelessExec, log)
    assert finding.key == "fileless_exec:memfd:/memfd:worker"
    assert finding.rule == "ATO-EXE-024"
    assert finding.severity is Severity.CRITICAL
    assert finding.category is Category.EXECUTION
    assert [link.pid for link in finding.lineage] == [log.root, child]
    assert "execveat" in finding.evidence[0].text


def test_a_memfd_by_its_name_in_proc(log, detect) -> None:
    log.exec(log.root, "/proc/self/fd/3", file="/memfd:a1b2c3d4e5f6", links=0)
    (finding,) = detect(FilelessExec, log)
    assert finding.key == "fileless_exec:memfd:/memfd:*"


def test_a_deleted_file(log, detect) -> None:
    log.exec(log.root, "/dev/fd/4", file="/tmp/copy-4711 (deleted)", links=0, call="execveat")
    (finding,) = detect(FilelessExec, log)
    assert finding.key == "fileless_exec:deleted_file:/tmp/copy-*"


def test_a_file_in_shared_memory(log, detect) -> None:
    log.exec(log.root, "/dev/shm/agent")
    (finding,) = detect(FilelessExec, log)
    assert finding.key == "fileless_exec:shared_memory:/dev/shm/agent"


def test_a_script_in_shared_memory(log, detect) -> None:
    log.exec(log.root, "/dev/shm/agent.sh", file="/usr/bin/dash")
    assert len(detect(FilelessExec, log)) == 1


@pytest.mark.parametrize("path", ["/dev/fd/5", "/proc/self/fd/5", "/proc/2/fd/5"])
def test_a_script_in_a_memfd(log, detect, path: str) -> None:
    memfd(log, log.root, fd=5)
    log.spawn(log.root, path, file="/usr/bin/dash")
    (finding,) = detect(FilelessExec, log)
    assert finding.where == "/memfd:worker"


def test_a_memfd_as_an_interpreters_argument(log, detect) -> None:
    memfd(log, log.root, fd=5)
    log.spawn(log.root, PYTHON, "-u", "/proc/self/fd/5")
    assert len(detect(FilelessExec, log)) == 1


def test_twice_is_one_finding(log, detect) -> None:
    for _ in range(2):
        log.spawn(log.root, "/dev/fd/3", file="/memfd:worker", links=0)
    (finding,) = detect(FilelessExec, log)
    assert finding.count == 2


def test_a_memfd_for_data(log, detect) -> None:
    memfd(log, log.root, "cache")
    log.exec(log.root, "/bin/true")
    assert detect(FilelessExec, log) == ()


def test_a_memfd_that_a_jit_maps_executable(log, detect) -> None:
    memfd(log, log.root, "doublemapper")
    log.add(ev.Map, pid=log.root, call="mmap", prot=5, flags=1, file="/memfd:doublemapper", links=0)
    assert detect(FilelessExec, log) == ()


def test_a_memfd_that_is_loaded_as_a_library(log, detect) -> None:
    memfd(log, log.root, "locale")
    for prot in (5, 5):  # a library with two executable parts
        log.add(ev.Map, pid=log.root, call="mmap", prot=prot, flags=0x812, file="/memfd:locale")
    (finding,) = detect(FilelessExec, log)
    assert (finding.key, finding.severity, finding.count) == (
        "fileless_exec:library:/memfd:locale",
        Severity.HIGH,
        2,
    )


def test_an_ordinary_library_and_a_refused_mapping(log, detect) -> None:
    log.add(ev.Map, pid=log.root, call="mmap", prot=5, flags=2, file="/usr/lib/libm.so.6")
    log.add(ev.Map, pid=log.root, call="mmap", prot=5, flags=2, file="/memfd:x", result=-1)
    assert detect(FilelessExec, log) == ()


def test_a_memfd_read_by_a_program_that_is_no_interpreter(log, detect) -> None:
    memfd(log, log.root, fd=5)
    log.spawn(log.root, "/usr/bin/sha256sum", "/dev/fd/5")
    assert detect(FilelessExec, log) == ()


def test_process_substitution(log, detect) -> None:
    log.spawn(log.root, "/usr/bin/bash", "/dev/fd/63")
    assert detect(FilelessExec, log) == ()


def test_another_process_s_memfd_with_the_same_number(log, detect) -> None:
    sibling = log.fork(log.root)
    memfd(log, sibling, fd=5)
    log.spawn(log.root, "/usr/bin/bash", "/dev/fd/5")
    assert detect(FilelessExec, log) == ()


def test_a_memfd_that_was_refused(log, detect) -> None:
    memfd(log, log.root, fd=-24)
    log.spawn(log.root, "/usr/bin/bash", "/dev/fd/5")
    assert detect(FilelessExec, log) == ()


def test_a_program_that_is_deleted_after_it_started(log, detect) -> None:
    log.write(log.root, "/tmp/agent", inode=9)
    log.spawn(log.root, "/tmp/agent", inode=9)
    log.add(ev.Unlink, pid=log.root, call="unlink", path="/tmp/agent", file="/tmp/agent")
    assert detect(FilelessExec, log) == ()


def test_data_in_shared_memory(log, detect) -> None:
    log.open(log.root, "/dev/shm/sem.lock", os.O_RDWR)
    log.exec(log.root, "/bin/true", "/dev/shm/sem.lock")
    assert detect(FilelessExec, log) == ()
