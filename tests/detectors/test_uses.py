"""What became of each honeytoken: its readers and the places of its value."""

from __future__ import annotations

from pytest_ato.detectors import uses as uses_module
from pytest_ato.detectors.pipeline import Pipeline


def used(log):
    pipeline = Pipeline([])
    for event in log.events:
        pipeline.feed(event)
    pipeline.finish()
    assert pipeline.failures == ()
    return {name: (use.read_by, use.seen_at) for name, use in pipeline.uses.items()}


def test_readers_and_places_are_told_once_and_in_order(log):
    child = log.spawn(log.root, "/usr/bin/cat", ".netrc")
    log.open(child, ".netrc")
    log.open(child, ".netrc")
    secret = log.values["netrc_password"].encode()
    for address in ("203.0.113.9", "203.0.113.8", "203.0.113.9"):
        log.tcp(log.root, address, 80, secret)
    log.output(secret)
    [(name, (readers, places))] = used(log).items()
    assert name == "netrc"
    assert [reader.rpartition(" ")[2] for reader in readers] == ["cat"]
    assert set(places) == {"203.0.113.9:80", "203.0.113.8:80", "stdout"}
    assert len(places) == 3


def test_a_value_may_be_seen_that_nobody_was_seen_to_read(log):
    log.tcp(log.root, "203.0.113.9", 80, log.values["aws_secret"].encode())
    assert used(log) == {"aws_credentials": ((), ("203.0.113.9:80",))}


def test_what_was_left_alone_is_not_told(log):
    log.open(log.root, "/etc/hosts")
    assert used(log) == {}


def test_the_lists_are_bounded(log, monkeypatch):
    monkeypatch.setattr(uses_module, "LISTED", 2)
    for last in range(3):
        log.tcp(log.root, f"203.0.113.{last}", 80, log.values["aws_secret"].encode())
    assert len(used(log)["aws_credentials"][1]) == 2
