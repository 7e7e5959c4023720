"""What a policy declares makes no finding; what is outside, one; a kind it does not state, none."""

from __future__ import annotations

import os

import pytest

from pytest_ato.detectors.beaconing import Beaconing
from pytest_ato.detectors.credential_sweep import CredentialSweep
from pytest_ato.detectors.dropped_executable import DroppedExecutable
from pytest_ato.detectors.honeytoken_exfil import HoneytokenExfil
from pytest_ato.detectors.honeytoken_read import HoneytokenRead
from pytest_ato.detectors.persistence import Persistence
from pytest_ato.detectors.pipeline import Pipeline
from pytest_ato.detectors.raw_ip_egress import RawIpEgress
from pytest_ato.detectors.undeclared import Undeclared
from pytest_ato.model import events as ev
from pytest_ato.model.policy import Declared, Policy, Terms

EVERYTHING = Declared(domains=(), cidrs=(), ports=(), files=(), children=())


@pytest.fixture
def under():
    """``under(policy part, log, *detectors)``: keys of the findings."""

    def run(part, log, *detectors):
        terms = Terms(policy=Policy(declared=part))
        pipeline = Pipeline(detectors or (Undeclared,), terms)
        for event in log.events:
            pipeline.feed(ev.decode(ev.encode(event)))
        pipeline.finish()
        assert pipeline.failures == ()
        return [finding.key for finding in pipeline.findings]

    return run


def busy(log):
    """Do one thing of each kind."""
    log.dns("updates.vendor.example", "198.18.0.7", pid=log.root)
    log.tcp(log.root, "198.18.0.7", 443, b"GET / HTTP/1.1\r\n\r\n")
    log.tcp(log.root, "203.0.113.9", 8443, b"x")
    log.write(log.root, "/home/user/.config/vendor/settings.ini")
    log.open(log.root, "/home/user/notes.txt")
    log.open(log.root, "/usr/lib/libc.so.6")
    log.open(log.root, "/etc/hosts")
    log.write(log.root, "/tmp/scratch")
    log.write(log.root, "/dev/null")
    log.spawn(log.root, "/bin/sh", "-c", "true", file="/usr/bin/dash")


ALL = [
    "undeclared:addresses:203.0.113.9",
    "undeclared:children:/bin/sh",
    "undeclared:domains:updates.vendor.example",
    "undeclared:files:~/.config/vendor/settings.ini",
    "undeclared:ports:443/tcp",
    "undeclared:ports:8443/tcp",
    "undeclared:reads:~/notes.txt",
]


def test_all_that_is_outside_is_told(log, under):
    busy(log)
    assert under(EVERYTHING, log) == ALL


def test_what_is_declared_is_not_told(log, under):
    busy(log)
    declared = Declared(
        domains=("*.vendor.example",),
        cidrs=("203.0.113.0/24",),
        ports=(443, "8000-9000/tcp"),
        files=("~/.config/vendor/*", "~/notes.txt"),
        children=("sh",),
    )
    assert under(declared, log) == []


def test_a_kind_that_is_not_stated_is_not_judged(log, under):
    busy(log)
    assert under(Declared(), log) == []
    assert under(Declared(domains=("updates.vendor.example",)), log) == [ALL[0]]
    assert under(Declared(children=()), log) == [ALL[1]]
    assert under(Declared(ports=(443,)), log) == [ALL[5]]
    assert under(Declared(files=("~/notes.txt",)), log) == [ALL[3]]


def test_without_a_declaration_it_does_not_run(log):
    pipeline = Pipeline([Undeclared])
    for event in log.events:
        pipeline.feed(event)
    assert [idle.definition.name for idle in pipeline.skipped] == ["undeclared"]


def test_a_program_of_the_name_counts_only_in_the_system(log, under):
    log.spawn(log.root, "/tmp/x/git")
    log.spawn(log.root, "/usr/bin/git")
    assert under(Declared(children=("git",)), log) == ["undeclared:children:/tmp/x/git"]


def test_a_finding_about_a_name_knows_who_asked(log):
    log.connect(log.root, log.resolver, 53, protocol="udp")
    log.dns("new.example", pid=log.root, client_port=0)
    log.dns("9.113.0.203.in-addr.arpa", pid=log.root)
    pipeline = Pipeline((Undeclared,), Terms(policy=Policy(declared=EVERYTHING)))
    for event in log.events:
        pipeline.feed(event)
    pipeline.finish()
    (finding,) = pipeline.findings
    assert finding.key == "undeclared:domains:new.example"
    assert [process.pid for process in finding.lineage] == [log.root]


def test_a_file_that_it_made_and_removed_is_scratch(log, under):
    path = "/home/user/data/part-Xa81"
    log.open(log.root, path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    assert under(EVERYTHING, log) == ["undeclared:files:~/data/part-Xa81"]
    log.add(
        ev.Rename,
        pid=log.root,
        call="rename",
        path=path,
        file=path,
        to="/home/user/data/all",
        to_file="/home/user/data/all",
    )
    assert under(EVERYTHING, log) == ["undeclared:files:~/data/all"]


def test_planted_files_are_another_detectors_question(log, under):
    log.open(log.root, ".netrc")
    assert under(EVERYTHING, log) == []


def test_a_listener_is_a_port_and_an_ephemeral_one_is_none(log, under):
    common = {"cookie": 1, "address": "0.0.0.0", "port": 0, "pid": log.root}
    for local, port in (("0.0.0.0", 8080), ("0.0.0.0", 40_000), ("127.0.0.1", 9000)):
        log.add(ev.SocketState, old="CLOSE", new="LISTEN", local=local, local_port=port, **common)
    assert under(EVERYTHING, log) == ["undeclared:listeners:8080/tcp"]
    assert under(Declared(ports=(8080,)), log) == []


# --- other detectors -------------------------------------------------------------------------


def beacon(log):
    log.dns("updates.vendor.example", "198.18.0.7", pid=log.root)
    for _ in range(12):
        log.tcp(log.root, "198.18.0.7", 443, b"GET / HTTP/1.1\r\n\r\n")
        log.wait(2)


@pytest.mark.parametrize(
    ("declared", "found"),
    [
        (Declared(domains=("updates.vendor.example",)), False),
        (Declared(domains=("updates.vendor.example",), ports=(443,)), False),
        (Declared(domains=("updates.vendor.example",), ports=(80,)), True),
        (Declared(domains=("*.updates.vendor.example",)), True),
        (Declared(files=("/x",)), True),
    ],
)
def test_a_declared_destination_may_be_called_regularly(log, under, declared, found):
    beacon(log)
    assert bool(under(declared, log, Beaconing)) is found


def test_a_declared_network_may_be_called_by_address(log, under):
    log.tcp(log.root, "203.0.113.9", 4444, b"x")
    assert under(Declared(cidrs=("203.0.113.9",)), log, RawIpEgress) == []
    assert under(Declared(cidrs=("203.0.114.0/24",)), log, RawIpEgress) != []


def test_a_declared_file_may_be_left_behind(log, under):
    log.write(log.root, "/home/user/.config/autostart/vendor.desktop")
    assert under(Declared(files=("~/.config/autostart/vendor.desktop",)), log, Persistence) == []
    assert under(Declared(files=("~/.config/vendor/**",)), log, Persistence) != []


@pytest.mark.parametrize("part", [{"files": ("/tmp/x",)}, {"children": ("/tmp/x",)}])
def test_a_declared_program_may_be_written_and_run(log, under, part):
    log.write(log.root, "/tmp/x", dev=9, inode=9)
    log.spawn(log.root, "/tmp/x", dev=9, inode=9)
    assert under(Declared(**part), log, DroppedExecutable) == []
    assert under(Declared(), log, DroppedExecutable) != []


def present(log, host="sts.amazonaws.com", address="198.18.0.9"):
    log.open(log.root, ".aws/credentials")
    log.dns(host, address, pid=log.root)
    value = log.values["aws_secret"].encode()
    log.tcp(log.root, address, 443, b"POST / HTTP/1.1\r\nauthorization: " + value + b"\r\n\r\n")


CREDENTIALS = (HoneytokenExfil, HoneytokenRead, CredentialSweep)


def test_a_declared_credential_may_be_read_and_presented_there(log, under):
    present(log)
    declared = Declared(credentials={"aws": ("sts.amazonaws.com",)})
    assert under(declared, log, *CREDENTIALS) == []


def test_a_declared_credential_that_goes_elsewhere_is_read_and_sent(log, under):
    present(log)
    present(log, "evil.example", "198.18.0.10")
    declared = Declared(credentials={"aws": ("sts.amazonaws.com",)})
    keys = under(declared, log, *CREDENTIALS)
    assert [key for key in keys if "evil.example" in key]
    assert not [key for key in keys if "sts.amazonaws.com" in key]
    assert "honeytoken_read:aws_credentials" in keys


def test_a_declared_domain_is_no_leave_to_send_credentials_there(log, under):
    present(log)
    keys = under(Declared(domains=("sts.amazonaws.com",)), log, *CREDENTIALS)
    assert any(key.startswith("honeytoken_exfil:") for key in keys)
    assert "honeytoken_read:aws_credentials" in keys


def test_declared_families_are_no_sweep_with_others(log, under):
    for path in (".aws/credentials", ".ssh/id_rsa", ".pgpass"):
        log.open(log.root, path)
    assert under(Declared(), log, CredentialSweep) != []
    declared = Declared(credentials={"aws": ("sts.amazonaws.com",)})
    assert under(declared, log, CredentialSweep) == []
