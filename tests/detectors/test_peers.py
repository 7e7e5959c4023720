"""Numbers that programs use for each other, and /proc paths that hold them."""

from __future__ import annotations

import pytest

from pytest_ato.detectors.context import Context
from pytest_ato.detectors.peers import Relation
from pytest_ato.detectors.procfs import given_entry, proc_entry
from pytest_ato.model import events as ev


@pytest.fixture
def peers(log):
    """Build the shared state of the log as it stands."""

    def build():
        context = Context()
        for event in log.events:
            for update in context.updates.get(type(event), ()):
                update(event)
        return context.peers

    return build


def test_relations(log, peers):
    child = log.spawn(log.root, "/bin/sh")
    grandchild = log.spawn(child, "/bin/cat")
    other = log.spawn(log.root, "/bin/ls")
    known = peers()
    inner = log.inner
    assert known.relation(log.root, 0) is Relation.SELF
    assert known.relation(log.root, inner(log.root)) is Relation.SELF
    assert known.relation(log.root, inner(grandchild)) is Relation.DESCENDANT
    assert known.relation(grandchild, inner(log.root)) is Relation.OTHER
    assert known.relation(child, inner(other)) is Relation.OTHER
    assert known.relation(log.root, 1) is Relation.OTHER
    assert known.relation(log.root, 4711) is Relation.OTHER
    assert known.relation(4711, 0) is Relation.SELF


def test_names(log, peers):
    child = log.spawn(log.root, "/bin/s\x1bh")
    known = peers()
    assert known.name(1) == "init"
    assert known.name(4711) == "unknown"
    assert known.name(log.inner(child)) == "s\\x1bh"
    assert known.describe(1) == "the sandbox's init"


def test_only_its_own_line_makes_a_process_debugged(log, peers):
    child = log.fork(log.root)
    stranger = log.fork(log.root)
    log.door(stranger, "ptrace", "PTRACE_ATTACH", aim=log.inner(child))
    assert peers().relation(log.root, log.inner(child)) is Relation.DESCENDANT
    log.door(log.root, "ptrace", "PTRACE_SEIZE", aim=log.inner(child), result=-1)
    assert peers().relation(log.root, log.inner(child)) is Relation.DESCENDANT
    log.door(log.root, "ptrace", "PTRACE_SEIZE", aim=log.inner(child))
    assert peers().relation(log.root, log.inner(child)) is Relation.DEBUGGED


def test_a_number_that_is_used_again_is_the_newer_process(log, peers):
    child = log.fork(log.root)
    log.add(ev.Fork, pid=log.init, child=500, inner=log.inner(child))
    known = peers()
    assert known.process(log.inner(child)).pid == 500
    assert known.relation(log.root, log.inner(child)) is Relation.OTHER


def _open(path, file=None, **fields):
    return ev.Open(ts=0, pid=1, call="open", path=path, file=file or path, **fields)


@pytest.mark.parametrize(
    ("path", "file", "number", "name"),
    [
        ("/proc/7/environ", None, 7, "environ"),
        ("/proc/self/environ", "/proc/7/environ", 0, "environ"),
        ("//proc//self//environ", "/proc/7/environ", 0, "environ"),
        ("/proc/thread-self/mem", "/proc/7/task/8/mem", 0, "mem"),
        ("/proc/self/task/8/mem", "/proc/7/task/8/mem", 0, "mem"),
        ("/proc/self/../1/environ", "/proc/1/environ", 1, "environ"),
        ("/proc/self/root/proc/1/environ", "/proc/1/environ", 1, "environ"),
        ("environ", "/proc/7/environ", 7, "environ"),
        ("/proc/7/net/tcp", None, 7, "net/tcp"),
    ],
)
def test_entries_of_proc(path, file, number, name):
    entry = proc_entry(_open(path, file))
    assert entry is not None
    assert (entry.number, entry.name) == (number, name)


@pytest.mark.parametrize("path", ["/proc/cpuinfo", "/proc", "/proc/7", "/proc/sys/x", "/tmp/proc"])
def test_no_entries_of_a_process(path):
    assert proc_entry(_open(path)) is None
    assert given_entry(_open(path)) is None


def test_the_path_as_it_was_given(log):
    entry = given_entry(_open("/proc/1/root/etc/shadow", "/etc/shadow"))
    assert entry is not None
    assert (entry.number, entry.name) == (1, "root/etc/shadow")
