"""The honeytoken detectors against really minted tokens: all are found, and keys stay the same."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from posixpath import dirname

import pytest

from pytest_ato.detectors.honeytoken_exfil import HoneytokenExfil
from pytest_ato.detectors.honeytoken_read import HoneytokenRead
from pytest_ato.honeytokens.mint import mint
from pytest_ato.model import events as ev
from pytest_ato.model.findings import Severity


@pytest.fixture(scope="module")
def two_mints():
    return [mint(now=datetime(2025, month, 7, tzinfo=UTC)) for month in (1, 6)]


def _log(make_log, minted):
    log = make_log()
    log.events = [e for e in log.events if not isinstance(e, ev.Honeytoken | ev.Planted)]
    log.inodes = {plant.path: 2000 + n for n, plant in enumerate(minted.plants)}
    planted = [
        ev.Planted(ts=0, path=f"/home/user/{path}", dev=77, inode=inode)
        for path, inode in log.inodes.items()
    ]
    log.events[1:1] = [*minted.honeytokens, *planted]
    return log


def _keys(findings, severity):
    assert {finding.severity for finding in findings} == {severity}
    return [finding.key for finding in findings]


def test_a_thief_of_everything_has_the_same_keys_in_every_audit(make_log, detect, two_mints):
    read, sent = [], []
    for minted in two_mints:
        log = _log(make_log, minted)
        for plant in minted.plants:
            log.open(log.root, plant.path)
            log.tcp(log.root, "203.0.113.9", 80, plant.content)
        log.tcp(log.root, "203.0.113.9", 80, "\n".join(minted.env.values()).encode())
        read.append(_keys(detect(HoneytokenRead, log), Severity.HIGH))
        sent.append(_keys(detect(HoneytokenExfil, log), Severity.CRITICAL))
    assert read[0] == read[1]
    assert len(read[0]) == 9
    assert sent[0] == sent[1]
    assert len(sent[0]) == 17


def test_a_backup_of_everything_is_one_medium(make_log, detect, two_mints):
    log = _log(make_log, two_mints[0])
    folders = {""}
    for path in log.inodes:
        while path := dirname(path):
            folders.add("/" + path)
    for folder in sorted(folders):
        log.open(log.root, "/home/user" + folder, os.O_DIRECTORY)
    for path in log.inodes:
        log.open(log.root, path)
    assert _keys(detect(HoneytokenRead, log), Severity.MEDIUM) == ["honeytoken_read:walk"]
