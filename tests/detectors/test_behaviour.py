"""What counts as a fact of what the target did, and what every program does."""

from __future__ import annotations

import os

import pytest

from pytest_ato.detectors import behaviour as behaviour_module
from pytest_ato.detectors.pipeline import Pipeline
from pytest_ato.model import events as ev
from pytest_ato.model.policy import Terms


@pytest.fixture
def behaviour(log):
    """``behaviour()``: that of the log."""

    def make():
        pipeline = Pipeline([], Terms(observe=True))
        for event in log.events:
            pipeline.feed(event)
        assert pipeline.failures == ()
        return pipeline.context.behaviour

    return make


def facts(behaviour):
    return [(fact.kind.value, fact.value) for fact in behaviour.facts]


@pytest.mark.parametrize(
    "path",
    ["/usr/lib/libc.so.6", "/etc/hosts", "/proc/self/maps", "/tmp/x", "/opt/vendor/data.bin"],
)
def test_every_program_reads_these(log, behaviour, path):
    log.open(log.root, path)
    assert facts(behaviour()) == []


def test_reads_elsewhere_are_facts_but_for_planted_files_and_folders(log, behaviour):
    log.open(log.root, "/srv/data")
    log.open(log.root, "/srv/data")
    log.open(log.root, ".netrc")
    log.open(log.root, "/home/user", os.O_DIRECTORY)
    log.open(log.root, "/home/user/.aws")
    log.open(log.root, "/srv/absent", result=-2)
    found = behaviour()
    assert facts(found) == [("reads", "/srv/data")]
    assert found.facts[0].count == 2


def test_what_it_writes_it_may_read(log, behaviour):
    log.open(log.root, "/home/user/state")
    log.write(log.root, "/home/user/state")
    assert facts(behaviour()) == [("files", "~/state")]


def test_a_refused_write_is_a_fact_and_a_failed_one_none(log, behaviour):
    log.write(log.root, "/etc/passwd", result=-13)
    log.write(log.root, "/etc/absent/file", result=-2)
    assert facts(behaviour()) == [("files", "/etc/passwd")]


def test_scratch_is_a_fact_of_its_folder(log, behaviour):
    made = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    for name in ("a1", "b2"):
        path = f"/home/user/work/{name}"
        log.open(log.root, path, made)
        log.add(ev.Unlink, pid=log.root, call="unlink", path=path, file=path, result=0)
    log.open(log.root, "/home/user/work/kept", made)
    assert facts(behaviour()) == [("temporary_files", "~/work/*"), ("files", "~/work/kept")]


def test_a_child_is_named_as_it_was_called(log, behaviour):
    log.spawn(log.root, "/bin/sh", "-c", f"echo {log.values['aws_secret']}", file="/usr/bin/dash")
    found = behaviour()
    assert facts(found) == [("children", "/bin/sh")]
    assert found.facts[0].detail == "runs /bin/sh -c echo \u2039aws_secret\u203a"


def test_destinations_without_the_sandbox_s_own(log, behaviour):
    log.dns("api.vendor.example", "198.18.0.7", pid=log.root)
    log.connect(log.root, "198.18.0.7", 443)
    log.connect(log.root, "203.0.113.9", 8443)
    log.connect(log.root, "127.0.0.1", 5432)
    log.dns("9.113.0.203.in-addr.arpa", "x.example")
    assert facts(behaviour()) == [
        ("domains", "api.vendor.example"),
        ("ports", "443/tcp"),
        ("addresses", "203.0.113.9"),
        ("ports", "8443/tcp"),
    ]


@pytest.mark.parametrize(
    ("local", "port", "told"),
    [
        ("0.0.0.0", 8080, True),
        ("127.0.0.1", 8080, False),
        ("::1", 8080, False),
        ("0.0.0.0", 40_000, False),  # the kernel's choice
    ],
)
def test_a_listener_that_others_can_reach(log, behaviour, local, port, told):
    log.add(
        ev.SocketState,
        pid=log.root,
        cookie=1,
        old="CLOSE",
        new="LISTEN",
        local=local,
        local_port=port,
        address="0.0.0.0",
        port=0,
    )
    assert facts(behaviour()) == ([("listeners", f"{port}/tcp")] if told else [])


def test_doors_by_what_they_reach(log, behaviour):
    log.door(log.root, "ptrace", "PTRACE_SEIZE")
    log.door(log.root, "io_uring", "READ")
    log.door(log.root, "int80", "call 5")
    log.door(log.root, "int80", "call 20")
    assert facts(behaviour()) == [
        ("privileges", "ptrace PTRACE_SEIZE"),
        ("syscalls", "io_uring READ"),
        ("syscalls", "int80"),
    ]


def test_a_kind_that_is_full_says_so(log, behaviour, monkeypatch):
    monkeypatch.setattr(behaviour_module, "MOST", 2)
    for name in ("one", "two", "three"):
        log.open(log.root, f"/srv/{name}")
    found = behaviour()
    assert len(found.facts) == 2
    assert {kind.value for kind in found.full} == {"reads"}
