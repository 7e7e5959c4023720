"""credential_sweep: a loop over the places, told from clients, backups and other lines."""

from __future__ import annotations

import os

from pytest_ato.detectors.credential_sweep import CredentialSweep
from pytest_ato.model import events as ev
from pytest_ato.model.findings import Severity
from pytest_ato.model.octets import show

PLACES = (".aws/credentials", ".ssh/id_rsa", ".pgpass")


def test_a_loop_in_one_process(log, detect):
    thief = log.spawn(log.root, "/opt/vendor/helper")
    for path in PLACES:
        log.open(thief, path)
    [finding] = detect(CredentialSweep, log)
    assert finding.severity is Severity.HIGH
    assert finding.rule == "ATO-CRD-004"
    assert finding.key == "credential_sweep:aws+postgres+ssh"
    assert show(finding.lineage[-1].path) == "/opt/vendor/helper"
    assert len(finding.evidence) == 3


def test_a_shell_loop_with_a_cat_for_each(log, detect):
    shell = log.spawn(log.root, "/bin/sh", "-c", "for f in ...")
    for path in PLACES:
        log.open(log.spawn(shell, "/bin/cat", path), path)
    [finding] = detect(CredentialSweep, log)
    assert show(finding.lineage[-1].path) == "/bin/sh"


def test_children_of_the_root_are_one_line(log, detect):
    for path in PLACES:
        log.exit(log.spawn(log.root, "/bin/true"))
        log.open(log.spawn(log.root, "/bin/cat", path), path)
    [finding] = detect(CredentialSweep, log)
    assert [show(link.path) for link in finding.lineage] == ["/opt/vendor/app"]


def test_two_families_are_silent(log, detect):
    for _ in range(3):
        for path in PLACES[:2]:
            log.open(log.root, path)
    assert detect(CredentialSweep, log) == ()


def test_customer_data_is_no_credential(log, detect):
    document = ev.Honeytoken(
        ts=0, name="customers", family="pii", path="Documents/c.csv", markers={"c": "x" * 40}
    )
    log.events.insert(1, document)
    for path in (*PLACES[:2], "Documents/c.csv"):
        log.open(log.root, path, dev=0, inode=0)
    assert detect(CredentialSweep, log) == ()
    log.open(log.root, PLACES[2])
    [finding] = detect(CredentialSweep, log)
    assert finding.key == "credential_sweep:aws+postgres+ssh"


def test_git_reading_its_own_configuration_is_silent(log, detect):
    for path in ("/etc/gitconfig", "/home/user/.gitconfig", "/home/user/.config/git/config"):
        log.open(log.root, path)
    assert detect(CredentialSweep, log) == ()


def test_three_clients_are_silent(log, detect):
    for path in (".netrc", ".pgpass", ".docker/config.json"):
        client = log.spawn(log.root, "/usr/bin/client")
        log.open(client, path)
        log.tcp(client, "198.18.0.7", 443, b"hello")
    assert detect(CredentialSweep, log) == ()


def test_three_client_files_in_one_process(log, detect):
    for path in (".netrc", ".pgpass", ".docker/config.json"):
        log.open(log.root, path)
    log.tcp(log.root, "198.18.0.7", 443, b"hello")
    [finding] = detect(CredentialSweep, log)
    assert finding.key == "credential_sweep:docker+netrc+postgres"


def test_a_backup_of_the_home_is_silent(log, detect):
    for folder in ("", "/.aws", "/.ssh", "/.docker", "/.kube"):
        log.open(log.root, "/home/user" + folder, os.O_DIRECTORY)
    for path in log.inodes:
        log.open(log.root, path)
    assert detect(CredentialSweep, log) == ()


def test_families_that_only_the_files_tell(log, detect):
    log.open(log.root, PLACES[0])
    for path in PLACES:
        log.touch(log.root, path, "open", "read", "close")
    [finding] = detect(CredentialSweep, log)
    assert finding.key == "credential_sweep:aws+postgres+ssh"
    assert finding.count == 3
    assert finding.evidence[1].text.endswith("without a call that opens it")
