"""The process table: lineages, reused pids, lost and late events, bounded memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ato.detectors import processes
from pytest_ato.detectors.processes import ProcessTable
from pytest_ato.model import events as ev
from pytest_ato.model.octets import octets, show


@pytest.fixture
def table(log):
    table = ProcessTable()

    def up_to_now():
        for event in log.events[up_to_now.seen :]:
            table.update(event)
        up_to_now.seen = len(log.events)
        return table

    up_to_now.seen = 0
    return up_to_now


def test_lineage_from_the_root_to_the_actor(log, table):
    shell = log.spawn(log.root, "/bin/sh", "-c", "curl x")
    curl = log.spawn(shell, "/usr/bin/curl", "x")
    known = table()
    assert [(link.pid, link.path) for link in known.lineage(curl)] == [
        (log.root, "/opt/vendor/app"),
        (shell, "/bin/sh"),
        (curl, "/usr/bin/curl"),
    ]
    assert known.lineage(curl)[2].argv == ("/usr/bin/curl", "x")
    assert known.label(curl) == "app → sh → curl"
    assert known.root is known.get(log.root)
    assert known.is_descendant(curl, log.root)
    assert known.is_descendant(curl, curl)
    assert not known.is_descendant(log.root, curl)
    assert not known.is_descendant(curl, 4711)


def test_a_wrapper_that_executes_another_program_stays_in_the_lineage(log, table):
    log.exec(log.root, "/usr/bin/env", "python3")
    log.exec(log.root, "/usr/bin/python3")
    child = log.fork(log.root)
    known = table()
    assert known.label(child) == "app → env → python3"
    assert [link.pid for link in known.lineage(child)] == [log.root] * 3 + [child]
    assert known.root.path == "/usr/bin/python3"


def test_a_fork_runs_its_parents_program_until_it_executes_one(log, table):
    child = log.fork(log.root)
    state = table().get(child)
    assert (state.path, state.ppid) == ("/opt/vendor/app", log.root)
    assert state.image == table().root.image
    log.exec(child, "/bin/ls")
    assert table().get(child).image != table().root.image
    assert table().label(child) == "app → ls"


def test_a_pid_that_is_used_again_is_another_process(log, table):
    child = log.spawn(log.root, "/bin/first")
    first = table().get(child)
    log.exit(child)
    other = log.spawn(log.root, "/bin/other")
    log.add(ev.Fork, pid=other, child=child)
    log.exec(child, "/bin/second")
    known = table()
    assert known.label(child) == "app → other → second"
    assert known.get(child).serial != first.serial
    assert first.label == "app → first"
    assert not known.get(child).descends_from(first)


def test_a_process_is_known_after_its_end(log, table):
    child = log.spawn(log.root, "/bin/ls")
    log.exit(child)
    assert table().label(child) == "app → ls"


def test_lost_events_leave_what_is_known(log, table):
    log.exec(500, "/bin/orphan", ppid=log.root)
    log.add(ev.Fork, pid=600, child=601)
    log.exit(700)
    known = table()
    assert known.label(500) == "app → orphan"
    assert known.label(601) == "process 601"
    assert known.label(800) == "process 800"
    assert known.lineage(800) == ()
    assert known.get(800) is None
    assert known.actor(800).label == "process 800"


def test_the_root_is_the_first_child_of_init(make_log):
    known = ProcessTable()
    log = make_log()
    for event in [e for e in log.events if isinstance(e, ev.Start)]:
        known.update(event)
    known.update(ev.Fork(ts=1, pid=3, child=4))
    assert known.root is None
    known.update(ev.Fork(ts=2, pid=log.init, child=5))
    known.update(ev.Fork(ts=3, pid=log.init, child=6))
    assert known.root.pid == 5


def test_a_label_is_short_and_inert(log, table):
    pid = log.root
    for number in range(40):
        pid = log.spawn(pid, f"/x/{number:02}" + "\x1b[2J\n" * 20)
    label = table().label(pid)
    assert len(label) < 200
    assert label.isprintable()
    assert label.startswith("app → … → ")


def test_a_chain_without_end_keeps_its_root_and_last_links(log, table):
    pid = log.root
    for _ in range(200):
        child = log.fork(pid)
        log.exit(pid)
        pid = child
    links = table().get(pid).ancestors
    assert len(links) + 1 == processes.MAX_LINEAGE
    assert links[0].pid == log.root
    assert links[-1].ppid == pid - 2
    assert all(link.ancestors == () for link in links)
    assert table().get(pid).line[-2].lineage[0].pid == log.root


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(processes, "MAX_ENDED", 10)
    monkeypatch.setattr(processes, "MAX_KNOWN", 50)
    known = ProcessTable()
    for pid in range(1, 1000):
        known.update(ev.Fork(ts=pid, pid=1, child=pid + 1))
        if pid % 2:
            known.update(ev.Exit(ts=pid, pid=pid + 1))
    assert len(known._known) <= 50
    assert len(known._ended) <= 60


_PID = st.integers(1, 6)
_EVENT = st.one_of(
    st.builds(ev.Fork, ts=st.just(0), pid=_PID, child=_PID),
    st.builds(
        ev.Exec,
        ts=st.just(0),
        pid=_PID,
        path=st.binary(max_size=8).map(octets),
        file=st.binary(max_size=8).map(octets),
        argv=st.just(()),
        ppid=_PID,
    ),
    st.builds(ev.Exit, ts=st.just(0), pid=_PID),
)


@given(st.lists(_EVENT, max_size=60))
def test_any_order_gives_bounded_printable_lineages(events):
    known = ProcessTable()
    for event in events:
        known.update(event)
        for pid in range(1, 7):
            assert len(known.lineage(pid)) <= processes.MAX_LINEAGE
            assert known.label(pid).isprintable()
            assert known.is_descendant(pid, pid) == (known.get(pid) is not None)


def test_argv_is_cut(log, table):
    child = log.spawn(log.root, "/bin/echo", *map(str, range(1000)))
    assert len(table().lineage(child)[-1].argv) == processes.MAX_ARGV
    assert show(table().get(child).path) == "/bin/echo"
