"""reverse_shell: shells that the network commands; and shells, and sockets, that it does not."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from pytest_ato.detectors.reverse_shell import ReverseShell
from pytest_ato.model import events as ev
from pytest_ato.model.findings import Category, Severity
from pytest_ato.model.policy import Declared, Policy, Terms

HOST = "shell.vendor.example"
ADDRESS = "198.18.0.3"
TCP = ("tcp", "tcp", "tcp")
PIPES = ("pipe", "pipe", "pipe")
BASH = "/usr/bin/bash"


def connect(log, pid: int) -> None:
    log.dns(HOST, ADDRESS, pid=pid)
    log.tcp(pid, ADDRESS, 4444)


@pytest.mark.parametrize(
    ("path", "fields", "name"),
    [
        ("/bin/sh", {"file": "/usr/bin/dash"}, "dash"),
        ("/bin/sh", {"file": "/bin/busybox"}, "sh"),
        (BASH, {}, "bash"),
        ("/usr/bin/zsh", {}, "zsh"),
        ("/usr/bin/python3.11", {}, "python3.11"),
    ],
)
def test_a_shell_on_a_connection(log, detect, path: str, fields, name: str) -> None:
    connect(log, log.root)
    shell = log.spawn(log.root, path, "-i", stdio=TCP, **fields)
    (finding,) = detect(ReverseShell, log)
    assert finding.key == f"reverse_shell:{name}:{HOST}:4444"
    assert finding.rule == "ATO-EXE-023"
    assert finding.category is Category.EXECUTION
    assert finding.severity is Severity.CRITICAL
    assert finding.where == f"{HOST}:4444"
    assert HOST in finding.title
    assert finding.lineage[-1].pid == shell
    assert "stdin is tcp" in finding.evidence[0].text


def test_the_same_process_becomes_the_shell(log, detect) -> None:
    connect(log, log.root)
    log.exec(log.root, "/bin/sh", stdio=TCP)
    assert len(detect(ReverseShell, log)) == 1


@pytest.mark.parametrize(
    "stdio", [("udp",) * 3, ("tcp", "pipe", "pipe"), ("null", "tcp", "tcp")], ids=str
)
def test_any_stream_on_the_network(log, detect, stdio) -> None:
    log.spawn(log.root, "/bin/sh", stdio=stdio)
    (finding,) = detect(ReverseShell, log)
    assert finding.key == "reverse_shell:sh:unknown"


def test_a_shell_for_whoever_connects(log, detect) -> None:
    listen(log, log.root)
    log.spawn(log.root, "/bin/sh", stdio=TCP)
    assert len(detect(ReverseShell, log)) == 1


def test_bash_that_opened_the_connection_itself(log, detect) -> None:
    shell = log.spawn(log.root, BASH, stdio=PIPES)
    connect(log, shell)
    log.spawn(shell, "/usr/bin/cat", stdio=("tcp", "pipe", "pipe"))
    log.spawn(shell, "/usr/bin/id", stdio=("pipe", "tcp", "tcp"))
    (finding,) = detect(ReverseShell, log)
    assert finding.key == f"reverse_shell:dev_tcp:{HOST}:4444"
    assert finding.lineage[-1].path == "/usr/bin/id"


def test_a_subshell_that_opened_the_connection(log, detect) -> None:
    shell = log.spawn(log.root, BASH, stdio=PIPES)
    subshell = log.fork(shell)
    connect(log, subshell)
    log.spawn(subshell, "/usr/bin/id", stdio=TCP)
    assert len(detect(ReverseShell, log)) == 1


@pytest.mark.parametrize("stdio", [("tcp", "pipe", "pipe"), ("file", "tcp", "pipe")], ids=str)
def test_a_script_that_fetches_or_sends_over_dev_tcp(log, detect, stdio) -> None:
    shell = log.spawn(log.root, BASH, "fetch.sh", stdio=PIPES)
    connect(log, shell)
    log.spawn(shell, "/usr/bin/cat", stdio=stdio)
    assert detect(ReverseShell, log) == ()


@pytest.mark.parametrize("kind", ["unix", "pipe", "tty", "file", "null", "closed", "socket"])
def test_a_shell_on_anything_else(log, detect, kind: str) -> None:
    connect(log, log.root)
    log.spawn(log.root, "/bin/sh", "-c", "echo ready", stdio=(kind,) * 3)
    assert detect(ReverseShell, log) == ()


@pytest.mark.parametrize(
    ("path", "args"),
    [
        ("/usr/bin/ssh", ()),
        ("/usr/bin/rsync", ("--server",)),
        ("/usr/bin/cat", ()),
        ("/usr/bin/python3.11", ("handler.py",)),
        ("/usr/bin/python3.11", ("-m", "handler")),
    ],
)
def test_a_program_that_is_no_shell(log, detect, path: str, args) -> None:
    connect(log, log.root)
    log.spawn(log.root, path, *args, stdio=TCP)
    assert detect(ReverseShell, log) == ()


def test_a_shells_child_after_a_connection_that_failed(log, detect) -> None:
    shell = log.spawn(log.root, BASH, stdio=PIPES)
    log.connect(shell, "203.0.113.9", 4444, result=-111)
    log.spawn(shell, "/usr/bin/id", stdio=TCP)
    assert detect(ReverseShell, log) == ()


def listen(log, pid: int) -> None:
    log.add(
        ev.SocketState,
        pid=pid,
        cookie=77,
        old="CLOSE",
        new="LISTEN",
        local="0.0.0.0",
        local_port=7,
        address="0.0.0.0",
        port=0,
    )


def declare_service(log) -> None:
    audit = log.events[0]
    log.events[0] = replace(audit, spec=replace(audit.spec, service=True))


def test_a_declared_server_that_hands_connections_to_a_script(log, detect) -> None:
    declare_service(log)
    listen(log, log.root)
    log.spawn(log.root, "/opt/vendor/handler.sh", file="/usr/bin/dash", stdio=TCP)
    assert detect(ReverseShell, log) == ()


def test_a_declared_server_that_calls_home(log, detect) -> None:
    declare_service(log)
    listen(log, log.root)
    connect(log, log.root)
    log.spawn(log.root, "/bin/sh", stdio=TCP)
    assert len(detect(ReverseShell, log)) == 1


def test_a_service_that_a_policy_declares(log, detect) -> None:
    listen(log, log.root)
    log.spawn(log.root, "/bin/sh", stdio=TCP)
    terms = Terms(policy=Policy(declared=Declared(service=True)))
    assert detect(ReverseShell, log, terms) == ()
    assert len(detect(ReverseShell, log)) == 1
